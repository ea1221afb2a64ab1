"""The images that wait, and which of them are made together next. No clock and no I/O of its own.

The order:

1. The shape whose oldest image has waited longest goes first.
2. Within that shape the tenants take turns, an image each, so that one who asks for fifty does
   not hold up another's single one. Who has just had a turn, or has just come, is last in line;
   the line is kept from one batch to the next.
3. Of one tenant, the image that came first.

So an image is made after at most as many others as came before it, times the tenants that wait.
Shapes are not shared out among tenants: fifty older images of another shape come first.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from inference_server.job import ImageJob, Shape

Token = TypeVar("Token", bound="Hashable")


@dataclass(frozen=True, slots=True, eq=False)
class Waiting(Generic[Token]):
    """An image of a request. No two are equal."""

    job: ImageJob
    tenant: str
    #: When it came, in seconds of the caller's clock.
    since: float
    #: The request.
    token: Token
    #: Of the image among those of its request, from 0.
    position: int


# In the order in which they came. An OrderedDict, because a dict's first key takes the longer to
# find the more have been deleted before it.
_Line = OrderedDict[Waiting[Token], None]


class _Group(Generic[Token]):
    """The images of one shape."""

    def __init__(self) -> None:
        self.by_age: _Line[Token] = OrderedDict()
        self._by_tenant: OrderedDict[str, _Line[Token]] = OrderedDict()

    def add(self, waiting: Waiting[Token]) -> None:
        self.by_age[waiting] = None
        self._by_tenant.setdefault(waiting.tenant, OrderedDict())[waiting] = None

    def remove(self, waiting: Waiting[Token]) -> None:
        del self.by_age[waiting]
        line = self._by_tenant[waiting.tenant]
        del line[waiting]
        if not line:
            del self._by_tenant[waiting.tenant]

    def next(self) -> Waiting[Token]:
        """It is to be removed before the next is asked for."""
        tenant, line = next(iter(self._by_tenant.items()))
        self._by_tenant.move_to_end(tenant)
        return next(iter(line))


class JobQueue(Generic[Token]):
    """Every operation takes a time that grows with the images it is about, not with the queue."""

    def __init__(self, capacity: int) -> None:
        """`capacity` is in images."""
        self._capacity = capacity
        self._by_age: _Line[Token] = OrderedDict()
        self._groups: dict[Shape, _Group[Token]] = {}
        self._by_token: dict[Token, _Line[Token]] = {}

    def __len__(self) -> int:
        """In images."""
        return len(self._by_age)

    def excess(self, images: int) -> int:
        """How many images have to go before so many more have room. 0: they have it now.

        Into an empty queue goes a request of any size: more room than that there will never be,
        and "later" would not be true.
        """
        waiting = len(self)
        return max(0, min(waiting, waiting + images - self._capacity))

    def add(self, jobs: Sequence[ImageJob], *, tenant: str, token: Token, now: float) -> None:
        """The whole of a request, of which `token` is the only one. Look at `excess` before."""
        line = self._by_token.setdefault(token, OrderedDict())
        for position, job in enumerate(jobs):
            waiting = Waiting(job, tenant, now, token, position)
            line[waiting] = None
            self._by_age[waiting] = None
            self._groups.setdefault(job.shape, _Group()).add(waiting)

    def remove(self, token: Token) -> int:
        """Takes out what still waits of a request, and says how many images that were."""
        removed = list(self._by_token.get(token, ()))
        for waiting in removed:
            self._forget(waiting)
        return len(removed)

    def next_batch(
        self, now: float, max_batch: int, window_seconds: float
    ) -> list[Waiting[Token]] | float:
        """Takes out up to `max_batch` images of one shape.

        Or says in how many seconds there will be something to take: while a batch is not full,
        its oldest waits `window_seconds` for more. Infinity: when something has been added.
        """
        if not self._by_age:
            return math.inf
        oldest = next(iter(self._by_age))
        group = self._groups[oldest.job.shape]
        left_seconds = oldest.since + window_seconds - now
        if len(group.by_age) < max_batch and left_seconds > 0:
            return left_seconds
        batch = []
        for _ in range(min(max_batch, len(group.by_age))):
            waiting = group.next()
            self._forget(waiting)
            batch.append(waiting)
        return batch

    def _forget(self, waiting: Waiting[Token]) -> None:
        del self._by_age[waiting]
        shape = waiting.job.shape
        group = self._groups[shape]
        group.remove(waiting)
        if not group.by_age:
            del self._groups[shape]
        line = self._by_token[waiting.token]
        del line[waiting]
        if not line:
            del self._by_token[waiting.token]
