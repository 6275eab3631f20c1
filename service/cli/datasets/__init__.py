"""Sample images from the Internet: an archive in the layout of CIFAR-10 becomes folders of PNG.

https://www.cs.toronto.edu/~kriz/cifar.html
"""
