"""``dreamcli web``."""

from __future__ import annotations

import click

from .options import environment_option, machine_options
from .preset_option import readable_presets
from .terminal import say


@click.command()
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True,
              help="The address to listen on; any address but this machine's own needs a password.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", default=7860, show_default=True,
              help="The port to listen on; 0 for any free port.")  # fmt: skip
@click.option("--allow-host", "names", multiple=True, metavar="NAME",
              help="Another name under which the page is reached, such as a proxy's. Repeatable.")  # fmt: skip
@environment_option("--password", metavar="TEXT", default="",
                    help='Require this password; the user name is "dreamcli".')  # fmt: skip
@click.option("--largest", type=click.IntRange(16), metavar="N", default=1024, show_default=True,
              help="Most pixels allowed on a picture's longer side.")  # fmt: skip
@machine_options
def web(host: str, port: int, names: tuple[str, ...], password: str, largest: int, device: str, precision: str) -> int:
    """Open a page in the browser, to make pictures without typing commands.

    The page is only on this machine, and contacts no other host. Needs NiceGUI:
    pip install '.[web]' in a clone of dreamcli. Press Ctrl-C to stop.

    \b
    dreamcli web
    dreamcli web --host 0.0.0.0 --password "open sesame"
    """
    from dreamcli.web.server import serve

    def on_ready(address: str) -> None:
        say(f"the page: {address}  (press Ctrl-C to stop)")

    serve(host, port, names, password, list(readable_presets()), largest, device, precision, on_ready)
    return 0
