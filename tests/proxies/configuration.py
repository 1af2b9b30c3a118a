"""The configurations that docs/proxies.md shows, made to run here."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "proxies.md"
# Where the lines for a path belong, by language.
ANCHORS = {
    "nginx": "    location / {",
    "haproxy": "    server directus ",
    "apache": "    ProxyPass / ",
    "caddy": "    reverse_proxy ",
}
# The settings that cut an idle link.
IDLE = {
    "nginx": r"(proxy_read_timeout) +60s",
    "haproxy": r"(timeout tunnel) +60s",
    "apache": r"^(Timeout) 60$",
}


def blocks(language):
    """The page's whole configuration for a proxy, and its lines for a path."""
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    whole, path = found
    return whole, path


def replace(text, written, meant):
    """Replaces what the page has to have."""
    if written not in text:
        raise ValueError(f"the page no longer has {written!r}")
    return text.replace(written, meant)


def configuration(language, port, backend, certificates, idle=None):
    """The page's configuration with Directus also under /cms/, and with an idle timeout (s)."""
    whole, path = blocks(language)
    anchor = ANCHORS[language]
    text = replace(whole, anchor, path + anchor)
    text = replace(text, "127.0.0.1:8055", f"127.0.0.1:{backend}")
    if language == "haproxy":
        text = replace(text, "bind :443", f"bind 127.0.0.1:{port}")
        text = replace(text, "/etc/haproxy/directus.pem", str(certificates / "both.pem"))
    else:
        text = replace(text, "/etc/ssl/directus.pem", str(certificates / "localhost.pem"))
        text = replace(text, "/etc/ssl/directus.key", str(certificates / "localhost.key"))
    if language == "nginx":
        text = replace(text, "listen 443", f"listen 127.0.0.1:{port}")
    if language == "apache":
        text = replace(text, "*:443", f"127.0.0.1:{port}")
    if language == "caddy":
        text = replace(text, "directus.example.com", f"https://localhost:{port}")
    if idle is not None and language in IDLE:
        text, count = re.subn(IDLE[language], rf"\1 {idle}", text, flags=re.M)
        if count != 1:
            raise ValueError(f"the page sets no idle timeout for {language}")
    return text
