"""lightnvr export: a span of what was recorded, as one file to keep; lightnvr verify: whether it was changed."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import anyio
import anyio.to_thread
import typer

from lightnvr.cli.archive import opened_archive
from lightnvr.cli.options import ConfigFile, DataDir, settings_from
from lightnvr.config import CommandLine, Settings
from lightnvr.playback.clip import gaps
from lightnvr.playback.clips import MAX_CLIP_US
from lightnvr.playback.evidence.manifest import utc
from lightnvr.playback.evidence.signing import PublicKey, SigningKey
from lightnvr.playback.evidence.verifying import verify as verify_evidence

_TIME = "for example 2026-08-01T12:00:00+02:00; a time without an offset is UTC"


class InvalidSpan(ValueError):
    """The span cannot be exported; the text says why."""


def export(
    stream: Annotated[str, typer.Option(help="Name of the stream.")],
    start: Annotated[str, typer.Option(help=f"When the clip begins, {_TIME}.")],
    end: Annotated[str, typer.Option(help="When it ends, at most a day later.")],
    output: Annotated[Path, typer.Option(help="File to be made: an MP4, or a ZIP with --evidence.")],
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Make a ZIP with the clip and a signed list of what is in it.")
    ] = False,
    sound: Annotated[bool, typer.Option("--sound/--no-sound", help="Whether the sound is in it.")] = True,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Export a clip of exactly a span, copied without encoding. Can run beside the server."""
    settings = settings_from(CommandLine(config, data_dir)).settings
    start_us, end_us = _span(start, end)
    if output.exists():
        raise FileExistsError(None, "There is a file of this name already", str(output))
    anyio.run(_export, settings, stream, start_us, end_us, output, evidence, sound)


def verify(
    path: Annotated[Path, typer.Argument(help="The ZIP, or the folder that it was unpacked to.")],
    key: Annotated[
        str | None,
        typer.Option(help="Fingerprint of the key it must be signed with, or a file with that public key."),
    ] = None,
) -> None:
    """Check evidence: whether any byte was changed, and whose key it was signed with. Needs no server."""
    found = verify_evidence(path, None if key is None else _fingerprint(key))
    for fact in found.facts:
        typer.echo(fact)
    if found.fingerprint:
        typer.echo(f"Signed with the key {found.fingerprint}")
    for remark in found.remarks:
        typer.echo(f"note  {remark}")
    for problem in found.problems:
        typer.echo(f"BAD   {problem}")
    if found.problems:
        typer.echo("\nDo not rely on it.")
        raise typer.Exit(1)
    typer.echo("\nNothing was changed since it was exported.")
    if key is None:
        typer.echo(
            "Whose key it is, this does not say: compare it with what `lightnvr evidence-key` shows at the recorder."
        )


def evidence_key(config: ConfigFile = None, data_dir: DataDir = None) -> None:
    """Show the fingerprint and the public key that evidence of this installation is signed with."""
    settings = settings_from(CommandLine(config, data_dir)).settings
    public = SigningKey.open(settings.evidence_key_file).public
    typer.echo(f"{public.fingerprint}\n\n{public.pem.decode()}", nl=False)


def _fingerprint(key: str) -> str:
    path = Path(key)
    if path.is_file():
        return PublicKey.read(path.read_bytes()).fingerprint
    return key.strip().lower().replace(":", "").replace(" ", "")


def _span(start: str, end: str) -> tuple[int, int]:
    # Only this command needs what the API is made with, which takes a moment to load.
    from lightnvr.api.times import read_time  # noqa: PLC0415
    from lightnvr.api.validation import BadRequest  # noqa: PLC0415

    try:
        start_us, end_us = read_time("--start", start, end_of_day=False), read_time("--end", end, end_of_day=True)
    except BadRequest as error:
        raise InvalidSpan(f"{error}.") from error
    if not 0 < end_us - start_us <= MAX_CLIP_US:
        raise InvalidSpan("--end must be later than --start, and at most a day.")
    return start_us, end_us


async def _export(
    settings: Settings, stream: str, start_us: int, end_us: int, output: Path, evidence: bool, sound: bool
) -> None:
    async with opened_archive(settings) as archive:
        if evidence:
            package = await archive.evidence.package(stream, start_us, end_us, audio=sound)
            clip = package.facts.clip
            await anyio.to_thread.run_sync(_write, output, package.read(), package.length)
        else:
            clip = await archive.clips.cut(stream, start_us, end_us, audio=sound)
            await anyio.to_thread.run_sync(_write, output, clip.read(0, clip.length), clip.length)
    pictures = sum(part.pictures for part in clip.parts)
    typer.echo(f"{output}: {clip.duration_s:.1f} s, {pictures} pictures, from {utc(clip.parts[0].first_us)}")
    for begin, end in gaps(clip.parts):
        typer.echo(f"note  nothing was recorded from {utc(begin)} to {utc(end)}")


def _write(output: Path, pieces: Iterator[bytes], length: int) -> None:
    # Under another name until it is whole, so that nobody takes a part for it.
    draft = output.with_name(f".{output.name}.part")
    shown = sys.stderr.isatty()
    try:
        with draft.open("wb") as file:
            written = 0
            for piece in pieces:
                written += len(piece)
                file.write(piece)
                if shown:
                    print(f"\r{100 * written // length} %", end="", file=sys.stderr, flush=True)  # noqa: T201
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)
        if shown:
            print("\r", end="", file=sys.stderr)  # noqa: T201
