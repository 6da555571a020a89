"""The contract of the service, as a suite that runs on any database: a module for each part.

``MemoryContract`` is all of them. Subclass a part alone to test an object with the verbs of ``Memory``, as the tests of
the client do over HTTP. Differences between databases are flags in ``capabilities``.
"""

from __future__ import annotations

from agno_memory.test.contract.add import AddContract
from agno_memory.test.contract.async_verbs import AsyncContract
from agno_memory.test.contract.bad_input import BadInputContract
from agno_memory.test.contract.bulk import BulkContract
from agno_memory.test.contract.bulk_memory import BulkMemoryContract
from agno_memory.test.contract.capabilities import Capabilities
from agno_memory.test.contract.case import ContractCase
from agno_memory.test.contract.context import ContextContract
from agno_memory.test.contract.delete import DeleteContract
from agno_memory.test.contract.errors import ErrorContract
from agno_memory.test.contract.expiry import ExpiryContract
from agno_memory.test.contract.history import HistoryContract
from agno_memory.test.contract.ids import IdsContract
from agno_memory.test.contract.merging import MergingContract
from agno_memory.test.contract.moments import MomentContract
from agno_memory.test.contract.order import OrderContract
from agno_memory.test.contract.owner import OwnerContract
from agno_memory.test.contract.paging import PagingContract
from agno_memory.test.contract.reassigning import ReassignmentContract
from agno_memory.test.contract.recall import RecallContract
from agno_memory.test.contract.replace import ReplaceContract
from agno_memory.test.contract.search import SearchContract
from agno_memory.test.contract.signals import SignalContract
from agno_memory.test.contract.times import TimeContract
from agno_memory.test.contract.topics import TopicsContract

__all__ = [
    "AddContract",
    "AsyncContract",
    "BadInputContract",
    "BulkContract",
    "BulkMemoryContract",
    "Capabilities",
    "ContextContract",
    "ContractCase",
    "DeleteContract",
    "ErrorContract",
    "ExpiryContract",
    "HistoryContract",
    "IdsContract",
    "MemoryContract",
    "MergingContract",
    "MomentContract",
    "OrderContract",
    "OwnerContract",
    "PagingContract",
    "ReassignmentContract",
    "RecallContract",
    "ReplaceContract",
    "SearchContract",
    "SignalContract",
    "TimeContract",
    "TopicsContract",
]


class MemoryContract(
    AddContract,
    BadInputContract,
    IdsContract,
    OwnerContract,
    ReplaceContract,
    DeleteContract,
    BulkContract,
    TopicsContract,
    SearchContract,
    RecallContract,
    ContextContract,
    OrderContract,
    PagingContract,
    TimeContract,
    SignalContract,
    AsyncContract,
    ErrorContract,
    BulkMemoryContract,
    HistoryContract,
    ReassignmentContract,
    ExpiryContract,
    MergingContract,
):
    """The whole contract of the service, for one database. A subclass sets ``database`` and adds a test case."""
