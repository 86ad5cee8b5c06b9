import sys;sys.path.insert(0,'notebooks');sys.path.insert(0,'.')
import warnings;warnings.filterwarnings('ignore')
import pandas as pd
pd.set_option('display.width',220);pd.set_option('display.max_rows',200);pd.set_option('display.max_columns',30)
from fmnist import experiments as E
for part in sys.argv[1:]:
    part,_,fw=part.partition('@')
    t=E.table(part,fw or 'pytorch')
    s=t.groupby('name',sort=False).agg(acc=('accuracy',lambda v:' '.join(f'{100*x:.2f}' for x in v)),mean=('accuracy','mean'),std=('accuracy','std'),loss=('loss','mean'),tr=('training accuracy','mean'),test=('test',lambda v:' '.join(f'{100*x:.2f}' for x in v if x)),ep=('epochs',lambda v:' '.join(map(str,v))),par=('parameters','first'),mul=('multiplications','first'),sec=('seconds','first'),rate=('rate','first'))
    s['mean']*=100;s['std']*=100
    print(part,fw,'spread %.3f'%E.spread(t));print(s.round(3).to_string())
