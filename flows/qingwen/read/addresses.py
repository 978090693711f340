"""URLs of stores: which are opened, and that none holds a password."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from qingwen.errors import SetupError

# Object stores and servers of files. fsspec opens more: archives, caches and references that lead on to other URLs and
# to files of this machine, and repositories of code.
STORES = frozenset(
    "s3 s3a gs gcs az abfs abfss adl oss cos obs hdfs webhdfs http https ftp sftp smb webdav hf memory".split()
)
# Parts of a query that give access to whoever has the URL.
_SECRETS = frozenset(
    "x-amz-signature x-amz-credential x-amz-security-token x-goog-signature x-goog-credential sig signature token "
    "access_token password secret".split()
)


def is_url(path: str) -> bool:
    """Tell whether a path is a URL.

    >>> is_url("s3://bucket/page.html"), is_url("pages/a.html")
    (True, False)
    """
    scheme, found, _ = path.partition("://")
    return bool(found) and scheme.isascii() and scheme.replace("+", "").replace("::", "").isalnum()


def check_address(path: str) -> None:
    """Look whether a path, if it is a URL, is that of a store and holds no password.

    Raises:
        SetupError: it is not, or does; the message names no password.
    """
    if not is_url(path):
        return
    scheme = path.partition("://")[0].lower()
    if "::" in path or scheme not in STORES:
        known = ", ".join(sorted(STORES))
        said = "name a file of this machine by its path" if scheme in ("file", "local") else f"known are {known}"
        raise SetupError(f"{_without_secrets(path)}: a URL of this kind is not opened; {said}.")
    try:
        parts = urlsplit(path)
    except ValueError as fault:
        raise SetupError(f"{scheme}://: not a URL: {fault}.") from fault
    named = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if ":" in parts.netloc.rpartition("@")[0] or named & _SECRETS:
        raise SetupError(
            f"{_without_secrets(path)}: the URL holds a password or a signature, which would stand in the dataset. "
            "Give credentials through the environment."
        )


def _without_secrets(path: str) -> str:
    scheme, _, rest = path.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"
