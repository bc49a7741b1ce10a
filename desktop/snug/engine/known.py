"""What the KV cache holds, token by token, and how it is compared with a new prompt."""

from __future__ import annotations

import bisect
from collections.abc import Sequence


class KnownTokens:
    """The tokens whose KV entries exist (and the turn's closing token), with their spelling.

    Re-tokenising an answer does not always give the tokens it was made of; comparing spellings
    keeps the cache whole anyway.
    """

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.pieces: list[bytes] = []
        self.controls: list[int] = []  # indices of control tokens

    def append(self, token: int, piece: bytes, control: bool) -> None:
        """Add one token at the end."""
        if control:
            self.controls.append(len(self.tokens))
        self.tokens.append(token)
        self.pieces.append(piece)

    def shared(self, tokens: Sequence[int]) -> int:
        """How many of the first tokens are the same."""
        mine = self.tokens
        limit = min(len(mine), len(tokens))
        if mine[:limit] == list(tokens[:limit]):  # the usual case, in one comparison
            return limit
        return next(i for i in range(limit) if mine[i] != tokens[i])

    def take_out(self, start: int, count: int) -> None:
        """Forget `count` tokens from `start` on; those after them move up."""
        end = start + count
        del self.tokens[start:end]
        del self.pieces[start:end]
        left = (i for i in self.controls if not start <= i < end)
        self.controls = [i if i < start else i - count for i in left]

    def cut(self, length: int) -> None:
        """Forget everything from `length` on."""
        del self.tokens[length:]
        del self.pieces[length:]
        while self.controls and self.controls[-1] >= length:
            self.controls.pop()

    def shared_with(
        self, text: bytes, specials: dict[int, int], lead: Sequence[int], adds_space: bool
    ) -> tuple[int, int]:
        """The last place up to which the tokens are a beginning of `text`.

        What spells a control token is one at the offsets in `specials` and plain text elsewhere:
        tokens that spell the same with another meaning are not shared.

        Args:
            specials: byte offset → byte length of each spelling that is a control token.
            lead: tokens before the text's first.
            adds_space: text after a control token is spelled with a space that is not in it.

        Returns:
            (tokens before it, bytes before it); a border where tokenising may begin anew with the
            same result: the beginning of a control token. (0, 0) where there is none.
        """
        if self.tokens[: len(lead)] != list(lead):
            return 0, 0
        borders = sorted(specials)
        controls = set(self.controls)
        offset, after_control = 0, True
        best = (0, 0)
        for index in range(len(lead), len(self.tokens) + 1):
            if offset in specials:
                best = (index, offset)
            if index == len(self.tokens):
                break
            piece = self.pieces[index]
            if index in controls:
                if specials.get(offset) != len(piece):
                    break
                after_control = True
            else:
                if adds_space and after_control:
                    piece = piece.removeprefix(b" ")
                after_control = False
                following = bisect.bisect_left(borders, offset)
                if following < len(borders) and borders[following] < offset + len(piece):
                    break
            if not text.startswith(piece, offset):
                break
            offset += len(piece)
        return best
