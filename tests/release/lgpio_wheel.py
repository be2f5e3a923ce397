"""lgpio for a Python that its maker has no wheel for: the checked source goes in, a wheel that holds for CPython 3.11 and later comes out.

lgpio 0.2.2.0 has wheels up to CPython 3.12, and Raspberry Pi OS (trixie) has 3.13: there pip would want SWIG, a compiler and Python's
headers on the unit. What is built here is what the maker's own setup.py builds with PYPI=1 (the C library within the module), but for the
stable ABI, so that one wheel serves every later Python, and with a cross compiler where the machine is another.
"""

import platform
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from tests.release import wheel_file
from tests.release.runtime import Refused

VERSION = "0.2.2.0"
SDIST = f"lgpio-{VERSION}.tar.gz"
GLIBC = "2_34"
"""What the maker's own wheels ask for; `readelf` finds nothing later in what is built here, and `make` looks."""

BUILD = "1outpost"
"""The build tag (PEP 427) tells that this wheel is not the maker's."""

DATE = 1711584000
"""The source's own day, 2024-03-28: the wheel need not differ from release to release."""

LIMITED_API = "0x030B0000"
"""The stable ABI as of CPython 3.11, the first with the buffer protocol, which lgpio uses."""

NAMES = {
    "PyInt_AsLong": "PyLong_AsLong",
    "PyInt_Check": "PyLong_Check",
    "PyInt_FromLong": "PyLong_FromLong",
    "PyString_FromString": "PyUnicode_FromString",
}
"""Names of Python 2 in lgpio.i. Up to 4.3 SWIG translated them, but with its types of then Python ended with SIGSEGV under -W error."""

WHEEL = "Wheel-Version: 1.0\nGenerator: outpost\nRoot-Is-Purelib: false\nTag: {tag}\nBuild: {build}\n"

TAG = f"cp311-abi3-manylinux_{GLIBC}"


def file_name(arch: str) -> str:
    """Of the wheel that `build` makes."""
    return f"lgpio-{VERSION}-{BUILD}-{TAG}_{arch}.whl"


def compiler(arch: str) -> str:
    """The C compiler for an architecture; Refused when there is none."""
    wanted = "gcc" if platform.machine() == arch else f"{arch}-linux-gnu-gcc"
    if shutil.which(wanted) is None:
        packages = "gcc libc6-dev" if wanted == "gcc" else "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
        raise Refused(f"lgpio for CPython 3.13 must be built and there is no {wanted}; as root: apt-get install {packages}")
    return wanted


def build(sdist: Path, arch: str, into: Path) -> Path:
    """Compile and pack; returns the wheel. The sdist's checksum has been checked by the caller."""
    with tempfile.TemporaryDirectory() as place:
        _run(["tar", "-xzf", str(sdist.resolve())], Path(place))
        source = Path(place) / SDIST.removesuffix(".tar.gz")
        module = _module(source, arch)
        _check_glibc(module, arch)
        info = f"lgpio-{VERSION}.dist-info"
        contents = {
            "_lgpio.abi3.so": module.read_bytes(),
            "lgpio.py": (source / "lgpio.py").read_bytes(),
            f"{info}/METADATA": (source / "PKG-INFO").read_bytes(),
            f"{info}/LICENSE": (source / "LICENSE").read_bytes(),
            f"{info}/top_level.txt": b"_lgpio\nlgpio\n",
            f"{info}/WHEEL": WHEEL.format(tag=f"{TAG}_{arch}", build=BUILD).encode(),
        }
    wheel = into / file_name(arch)
    wheel_file.write(wheel, contents, ("_lgpio.abi3.so",), DATE)
    return wheel


def _module(source: Path, arch: str) -> Path:
    swig = Path(sysconfig.get_path("scripts")) / "swig"
    _run([str(swig), "-python", "-o", "lgpio_wrap.c", "lgpio.i"], source)
    flags = ["-fPIC", "-O3", "-pthread", "-Werror=implicit-function-declaration", f"-DPy_LIMITED_API={LIMITED_API}"]
    flags += [f"-ffile-prefix-map={source}=.", *(f"-D{old}={new}" for old, new in NAMES.items())]
    includes = [f"-I{path}" for path in (*_headers(source, arch), source / "src")]
    # With the stable ABI Python.h does not bring errno.h along, and SWIG's code relies on it. Only there: the others say _GNU_SOURCE first.
    _run([compiler(arch), *flags, *includes, "-include", "errno.h", "-c", "lgpio_wrap.c", "-o", "lgpio_wrap.o"], source)
    sources = [*sorted(str(path.relative_to(source)) for path in (source / "src").glob("lg*.c")), "src/rgpiod.c", "lgpio_wrap.o"]
    _run([compiler(arch), *flags, *includes, "-shared", "-s", *sources, "-o", "_lgpio.abi3.so", "-lrt", "-ldl"], source)
    return source / "_lgpio.abi3.so"


def _headers(source: Path, arch: str) -> list[Path]:
    """Python's headers. Debian's pyconfig.h includes one for the machine, which a cross compiler has not: the host's does.

    Both machines are LP64, and with the stable ABI nothing else of it is seen in what is compiled.
    """
    include = Path(sysconfig.get_path("include"))
    config = Path(sysconfig.get_config_h_filename())
    if not (include / "Python.h").is_file() or not config.is_file():
        version = sysconfig.get_python_version()
        raise Refused(f"{include} has no Python.h, which lgpio is built with; as root: apt-get install libpython{version}-dev")
    stand_in = source / "include" / f"{arch}-linux-gnu" / include.name
    stand_in.mkdir(parents=True)
    shutil.copy(config, stand_in)
    return [include, source / "include", config.parent]


def _check_glibc(module: Path, arch: str) -> None:
    """Refused when the module asks for a later glibc than its tag says."""
    readelf = compiler(arch).replace("gcc", "readelf")
    told = subprocess.run([readelf, "-W", "--version-info", module], capture_output=True, text=True, check=True).stdout
    needed = {word.rstrip(":") for word in told.split() if word.startswith("GLIBC_2.")}
    late = {word for word in needed if int(word.split(".")[1]) > int(GLIBC.split("_")[1])}
    if not needed or late:
        raise Refused(f"the module that was built asks for {sorted(late) or 'no glibc at all'}, its wheel for {GLIBC}")


def _run(command: list[str], place: Path) -> None:
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"{command[0]} failed:\n{done.stderr[-2000:]}")
