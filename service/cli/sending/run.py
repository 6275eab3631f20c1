"""`python main.py send`: from a folder and a wish to an exit code."""

import asyncio
import random
import signal
from pathlib import Path

from service.cli import report
from service.cli.output import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_REFUSED, EXIT_TERMINATED
from service.cli.sending.finding import images_below
from service.cli.sending.saving import Saver
from service.cli.sending.screen import Screen
from service.cli.sending.sender import Sender
from service.cli.sending.wish import SendError, SendRefused, Wish


def run(folder: Path, wish: Wish, screen: Screen) -> int:
    """Send the images below `folder`, and show what became of them. Gives the exit code."""
    try:
        wish.check()
        return _sent(_sender(folder, wish, screen), screen)
    except SendRefused as error:
        screen.say(str(error))
        return EXIT_REFUSED


def _sender(folder: Path, wish: Wish, screen: Screen) -> Sender:
    paths = images_below(folder, screen.say)
    saver = None
    if wish.save is not None:
        saver = Saver(wish.save, (folder / path for path in paths))
    if wish.shuffle:
        random.shuffle(paths)
    return Sender(folder, paths, wish, screen, saver)


def _sent(sender: Sender, screen: Screen) -> int:
    """Raises SendRefused where nothing was sent."""
    try:
        with report.progress(screen.console, sender.tally, screen.quiet) as changed:
            sender.changed = changed
            asyncio.run(_until_sigterm(sender))
        code = sender.tally.exit_code()
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except asyncio.CancelledError:
        code = EXIT_TERMINATED
    except SendError as error:
        if isinstance(error, SendRefused) and not sender.tally.done:
            raise
        screen.say(str(error))
        code = EXIT_REFUSED if isinstance(error, SendRefused) else EXIT_FAILED
    if not screen.quiet:
        report.show_failures(screen.console, sender.tally)
    screen.say(sender.tally.summary())
    return code


async def _until_sigterm(sender: Sender) -> None:
    """End on SIGTERM as on Ctrl-C, which asyncio.run sees to."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await sender.run()
