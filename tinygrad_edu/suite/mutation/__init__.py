"""Mutation testing of the suite: break every derivative rule, and count how many breaks are found.

mutant      one mistake, and the operation that has it
operators   what a slip of the pen makes of one place in a program
source      the mutants of the text of a rule
semantic    the mutants of what a rule returns
hunt        whether the suite sees that a mutant is wrong
engine      the mutants of the sweeps
equivalents those that compute the same as the right rule, each with the reason
report, run the score, and how it comes about
"""

from tinygrad_edu.suite.mutation.report import MutationReport
from tinygrad_edu.suite.mutation.run import score

__all__ = ["MutationReport", "score"]
