import sys; sys.path.insert(0,'notebooks')
from tools.measure import experiments as e
from collections import Counter
rec=e.read(); print(Counter((r['framework'],r['part'], r['recipe']==e.recipe(r['framework'],r)) for r in rec))
own=[r for r in rec if r['framework']=='pytorch']
t=e.wanted('pytorch', own)[-1]; print(len(t['networks']), t['networks'][:3], t['networks'][-3:])
