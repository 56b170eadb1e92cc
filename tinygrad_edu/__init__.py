"""tinygrad_edu: automatic differentiation to be read like a textbook and trusted like a library."""

from tinygrad_edu.core.node import Node
from tinygrad_edu.core.primitive import elementwise, multilinear, primitive, registry
from tinygrad_edu.core.recording import no_grad, scope
from tinygrad_edu.core.sweep import Step, forward_sweep, reverse_sweep, topological_order
from tinygrad_edu.ops import *
from tinygrad_edu.scalar import Scalar
from tinygrad_edu.tensor import Tensor, tensor
