"""Put the results in place of the words in capitals."""
import re
p='WORK/b/cells.txt'; out='WORK/b/cells_final.txt'
t=open(p,encoding='utf-8').read()
R={}
R['RESULT']='''RESULTTEXT'''
R['WIDTHS']='''**The number of parameters matters most.** Accuracy rises by about four points from 16 to 512 units, at every depth. As courses say, 512 units are better than 128. From 100,000 parameters on, two layers do as well as one layer with more parameters: 2 × 256 units reach what 1 × 512 reach, with two thirds of the parameters. A third layer brings nothing that we can detect. The networks with 16 units do not even beat the random forest of section 1.

These errors cover the seeds only. Other validation images would move a difference by a few tenths of a point more.'''
R['EPOCHS']='''**Each doubling of the epochs still brings about a point**, from 5 to 10 to 20 epochs. So "diminishing returns after 5 to 10 epochs" is true of each further epoch, but at this low rate the sum grows until epoch 30. (With a higher rate, section 4 reaches as much in ten epochs.)

At a constant rate, the accuracy of a single run moves by up to a point or more from one epoch to the next, so its last value is partly chance. A falling rate ends in nearly the same place each time. It is hardly more accurate here.'''
R['PIXELS']='''**None of these five ways gives 82 to 83% after five epochs.** But with scaled pixels and batches of 32, accuracy and loss *during the first epoch* come close, at 81.5% and 0.53, and the course trains on 60,000 images where we have 54,000. So 82% and 0.50 are probably the first line of an output whose last line led to 87.3%.

Unscaled pixels cost 1.6 points with batches of 128 and over four with 32. Smaller batches gain a point when the pixels are scaled, probably because they make four times as many steps.'''
R['SWEETSPOT']='''**Only the dense network comes out as published.** 64-64 is 0.8 points better here, and the other three cannot be rebuilt from their description. As we read the table, one convolution with 64 filters is as accurate as two, so two are no "sweet spot", and three do badly. The feature maps explain the latter. Without padding, three rounds of convolution and pooling shrink 28×28 positions to 1×1, and the dense layer gets only 64 values. With padding, three convolutions reach 92.0% of the validation images in the next figure.

Dots are two runs each. Published values may come from all 60,000 training images, and from one run.'''
R['CONVOLUTIONS']='''**Apart from the number of filters, few choices matter much for the accuracy, but some change the cost a lot.**

- Padding "same" gains 0.7 points, for 1.6 times the multiplications (section 5 counts them). Batch norm gains 0.4.
- Strides instead of pooling lose nothing and need two fifths of the multiplications.
- Separable convolutions lose 0.6 points and need a quarter of them.
- Average pooling loses about 0.4 points, close to what chance can do.
- Fewer filters cost more: 0.8 points with 16-32 and 1.8 with 8-16.

One convolution is as accurate as two, as far as we can detect. Three with padding (16-32-64) are 0.8 points behind two with padding. The network with one convolution has three times the parameters of that with two, because its feature maps are larger where the dense layer begins.'''
R['LONGER']='''**Accuracy and loss disagree.** With one convolution, the network ends up classifying all but a few of its training images correctly. Its validation accuracy still rises a little, while its validation loss almost doubles, so its probabilities become far too confident. Chapter 01's CNN, with dropout and a third of the parameters, has a slightly lower accuracy and half the loss. If you need probabilities, watch the loss.'''
R['COURSES']='''All three networks reach what their projects reported, and the first and the last exceed it by 0.6 to 0.8 points. Each published value is one run, ours are two, so we cannot say whether such differences mean anything.'''
R['GRID']='''**The optimizers need very different rates**, from 0.01 with Adam and AdamW (which coincide here) to 0.3 with plain SGD. If all get the same rate, we mostly see which optimizer this rate suits. At 0.01, momentum is ten points behind Adam in the small CNN. A rate three times too high can ruin a run: at 0.3, momentum stays at 10%, which is guessing (outside the axes).

Adam's default of 0.001 costs the small CNN five points here (one seed), probably because this training has fewer than 800 steps. Section 3 has three times as many steps, so we took 0.005 there. We did not tune it for each network, so small differences in section 3 may be due to the rate.'''
R['FRESH']='''FRESHTEXT'''
R['FRONTIER']='''FRONTIERTEXT'''
R['NEIGHBOURS']='''**The dense network loses nothing, and the CNN loses its lead.** A dense layer has a weight for each pixel, so their order means nothing to it. The shuffled CNN is no more accurate than the dense network. (Its seeds differ by more than two points, so we cannot say how much worse it is.)

**Without shared weights, neighbourhoods bring little in this short training.** As a whole, the locally connected network has twelve times the parameters of the CNN, and it is only 0.6 points better than the dense one, which is that of chapter 01. Shuffling costs it nothing that we can detect. So the lead of the CNN comes from both assumptions together: one filter learns from all positions, because the same neighbourhoods occur at all of them. All networks had the same learning rate, which may suit some better than others.'''
R['INVARIANCE']='''Neither network is invariant. The CNN tolerates about a pixel more than the dense network, and beyond two pixels it fails as well. (Large shifts also cut off parts of wide garments.)'''
R['LUCK']='''LUCKTEXT'''
R['WINNER']='''WINNERTEXT'''
R['TEST']='''TESTTEXT'''
R['REPEATED']='''REPEATEDTEXT'''
R['EFFECTS']='''EFFECTSTEXT'''
R['TAKEAWAYS']='''TAKEAWAYSTEXT'''
import os
if os.path.exists('WORK/b/last.py'): exec(open('WORK/b/last.py',encoding='utf-8').read())
for k,v in R.items():
    n=len(re.findall(rf'^{k}$',t,flags=re.M)); assert n==1,(k,n)
    t=re.sub(rf'^{k}$',lambda m:v,t,flags=re.M)
open(out,'w',encoding='utf-8').write(t)
