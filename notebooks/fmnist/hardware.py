"""What the processor can do."""

import re
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
# As Linux calls them on x86 and on ARM.
BFLOAT16 = re.compile(r"\b(avx512_bf16|amx_bf16|bf16)\b")


def has_bfloat16(device: str) -> bool:
    """Return whether a device, "cpu" or "cuda", has instructions for bfloat16; True for every "cuda".

    Only Linux says so of a CPU; elsewhere the answer is False.
    """
    if device != "cpu":
        return True
    return CPUINFO.exists() and bool(BFLOAT16.search(CPUINFO.read_text(encoding="utf-8")))
