"""Checks a built binary and packs it as a reproducible Lambda zip, with a file of its SHA-256.

usage: pack.py ARCHITECTURE BINARY ZIP
"""

import hashlib
import re
import struct
import sys
import zipfile
from pathlib import Path

# The runtime provided.al2023 is Amazon Linux 2023, which has glibc 2.34.
NEWEST_GLIBC = (2, 34)
# The field e_machine of an ELF file.
MACHINES = {"x86_64": 62, "arm64": 183}


def check(binary: bytes, architecture: str) -> str | None:
    """Returns why Lambda could not start this binary, or None."""
    if binary[:6] != b"\x7fELF\x02\x01":
        return "it is not a 64-bit Linux program"
    if struct.unpack_from("<H", binary, 18)[0] != MACHINES[architecture]:
        return f"it is not built for {architecture}"
    newest = max(needed_glibc(binary), default=(0, 0))
    if newest > NEWEST_GLIBC:
        needed, there = (".".join(map(str, version)) for version in (newest, NEWEST_GLIBC))
        return (
            f"it needs glibc {needed}, but Lambda has {there}; build it with cargo-lambda, or on a "
            "system with an older glibc"
        )
    return None


def needed_glibc(binary: bytes) -> list[tuple[int, int]]:
    """The glibc versions named in the string table of the dynamic symbols."""
    table, size, count, names_index = struct.unpack_from("<Q10xHHH", binary, 40)
    headers = [struct.unpack_from("<IIQQQQ", binary, table + i * size) for i in range(count)]
    names = headers[names_index][4]
    for name, _, _, _, offset, length in headers:
        if binary[names + name :].startswith(b".dynstr\0"):
            found = re.findall(rb"\0GLIBC_(\d+)\.(\d+)", binary[offset : offset + length])
            return [(int(major), int(minor)) for major, minor in found]
    return []


def pack(binary: bytes, path: Path) -> None:
    """Writes the zip with fixed dates and permissions, so that equal binaries give equal zips."""
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, binary, compresslevel=6)


def main() -> int:
    if len(sys.argv) != 4 or sys.argv[1] not in MACHINES:
        print(__doc__, file=sys.stderr)
        return 2
    architecture, source, path = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    binary = source.read_bytes()
    fault = check(binary, architecture)
    if fault:
        print(f"pack.py: {source}: {fault}", file=sys.stderr)
        return 1
    pack(binary, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")
    sizes = f"binary {len(binary) / 1e6:.1f} MB, zip {path.stat().st_size / 1e6:.1f} MB"
    print(f"{path}: {sizes}, sha256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
