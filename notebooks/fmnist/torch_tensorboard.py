"""PyTorch's writer of TensorBoard logs. Importing this module imports PyTorch, and keeps TensorFlow out.

TensorBoard imports TensorFlow where it is installed. In one process with PyTorch that is slow, and can end the process
(https://github.com/tensorflow/tensorflow/issues/124205). TensorBoard uses its own small substitute where the module
`tensorboard.compat.notf` exists, so there is one here.
"""

import sys
from types import ModuleType

sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))

from torch.utils.tensorboard import SummaryWriter  # noqa: E402

__all__ = ["SummaryWriter"]
