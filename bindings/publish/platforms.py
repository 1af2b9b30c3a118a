"""The platforms that packages are made for, and what each ecosystem calls them."""

from dataclasses import dataclass

# The oldest C libraries that the packages run on. CentOS 7 and Ubuntu 14.04 have this glibc,
# Alpine 3.13 this musl.
GLIBC = "2.17"
MUSL = "1.2"


@dataclass(frozen=True)
class Platform:
    name: str
    machine: str
    libc: str
    cpu: str
    debian: str

    @property
    def triple(self):
        return f"{self.machine}-unknown-linux-{self.libc}"

    @property
    def zig_target(self):
        return f"{self.triple}.{GLIBC}" if self.libc == "gnu" else self.triple

    @property
    def wheel_tags(self):
        """From the most precise one to the one that the oldest pip knows."""
        if self.libc == "musl":
            return [f"musllinux_{MUSL.replace('.', '_')}_{self.machine}"]
        precise = f"manylinux_{GLIBC.replace('.', '_')}_{self.machine}"
        return [precise, f"manylinux2014_{self.machine}"]

    @property
    def npm_name(self):
        return f"directus-realtime-{self.name}"

    @property
    def npm_conditions(self):
        libc = "glibc" if self.libc == "gnu" else "musl"
        return {"os": ["linux"], "cpu": [self.cpu], "libc": [libc]}

    @property
    def multiarch(self):
        return f"{self.machine}-linux-{self.libc}"


PLATFORMS = {
    platform.name: platform
    for platform in (
        Platform("linux-x64-gnu", "x86_64", "gnu", "x64", "amd64"),
        Platform("linux-x64-musl", "x86_64", "musl", "x64", "amd64"),
        Platform("linux-arm64-gnu", "aarch64", "gnu", "arm64", "arm64"),
        Platform("linux-arm64-musl", "aarch64", "musl", "arm64", "arm64"),
    )
}
