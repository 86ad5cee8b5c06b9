"""Whether a processor has bfloat16, by what Linux says of it."""

import pytest

from fmnist import hardware


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags\t\t: fma avx2 avx512f avx512_bf16 amx_tile", True),
        ("flags\t\t: avx512f amx_bf16 amx_tile", True),
        ("Features\t: asimd i8mm bf16 dgh", True),
        ("flags\t\t: fma avx2 avx512f avx512_fp16", False),
        ("Features\t: asimd sve svebf16x", False),
    ],
)
def test_linux_lists_the_instructions(tmp_path, monkeypatch, flags, expected):
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor\t: 0\n{flags}\n")
    monkeypatch.setattr(hardware, "CPUINFO", path)
    assert hardware.has_bfloat16("cpu") == expected
    assert hardware.has_bfloat16("cuda")


def test_another_system_lists_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "missing")
    assert not hardware.has_bfloat16("cpu")
