"""What a check finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was looked at. `advice` says how to mend it when it is not good."""

    subject: str
    good: bool
    fact: str
    advice: str = ""

    @classmethod
    def fine(cls, subject: str, fact: str) -> "Finding":
        """Something that is as it should be."""
        return cls(subject, True, fact)

    @classmethod
    def bad(cls, subject: str, fact: str, advice: str) -> "Finding":
        """Something that is not."""
        return cls(subject, False, fact, advice)

    @classmethod
    def note(cls, subject: str, fact: str, advice: str) -> "Finding":
        """Something that works but could be better."""
        return cls(subject, True, fact, advice)

    def __str__(self) -> str:
        mark = "BAD " if not self.good else "note" if self.advice else "good"
        lines = [f"{mark}  {self.subject}: {self.fact}"]
        return "\n      ".join([*lines, self.advice] if self.advice else lines)
