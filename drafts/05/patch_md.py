"""Put the Markdown of the built notebooks into the executed ones; the code must be the same."""
import nbformat, re, sys, subprocess
sys.argv=['build.py','05_architecture_experiments','WORK/b/cells_final.txt']
for fw in ('keras','pytorch'):
    path=f'WORK/main/notebooks/{fw}/05_architecture_experiments.ipynb'
    done=nbformat.read(path,4)
    globals()[fw]=done
src=open('WORK/b/build.py').read().replace('WORK/main/notebooks/{folder}{fw}/{name}.ipynb','WORK/b/built_{fw}.ipynb')
exec(src)
for fw_ in ('keras','pytorch'):
    done={'keras':keras,'pytorch':pytorch}[fw_]; built=nbformat.read(f'WORK/b/built_{fw_}.ipynb',4)
    a=[c for c in done.cells if c.cell_type=='code']; b=[c for c in built.cells if c.cell_type=='code']
    assert [c.source for c in a]==[c.source for c in b], [ (x.source[:80]) for x,y in zip(a,b) if x.source!=y.source]
    it=iter(a); cells=[]; ids={c.id for c in a}
    old={c.source:c.id for c in done.cells if c.cell_type=='markdown'}
    for c in built.cells:
        if c.cell_type=='code': cells.append(next(it))
        else:
            cells.append(c)
    seen=set()
    for c in cells:
        assert c.id not in seen or c.cell_type=='markdown'
        if c.id in seen: c.id=c.id[:6]+'zz'
        seen.add(c.id)
    done.cells=cells
    nbformat.write(done,f'WORK/main/notebooks/{fw_}/05_architecture_experiments.ipynb')
    print(fw_,len(cells))
