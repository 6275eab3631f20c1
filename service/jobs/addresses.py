"""Which addresses a webhook may have: those of the public Internet, however they are written."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

# What `is_global` of some versions of Python lets through: protocol assignments, the relays of
# 6to4, and in IPv6 what is translated to other addresses or only for documentation.
_EXCLUDED_4 = [ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24")]
_EXCLUDED_6 = [ip_network(text) for text in ("2001::/32", "2002::/16", "3fff::/20")]
_GLOBAL_UNICAST = ip_network("2000::/3")
_TRANSLATED = ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """An address that is not of the public Internet."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address} is no public address: name another host, or allow private ones with "
            "DARKROOM_WEBHOOK_ALLOW_PRIVATE=true"
        )


def check_host(host: str) -> None:
    """Raises AddressRefused for a literal address that is not public; host names pass."""
    try:
        ip_address(host)
    except ValueError:
        return
    check_address(host)


def check_address(text: str) -> None:
    """Raises AddressRefused for an address that is not public, and for what is none."""
    try:
        allowed = is_public(ip_address(text))
    except ValueError:
        allowed = False
    if not allowed:
        raise AddressRefused(text)


def is_public(address: Address) -> bool:
    """Whether it is a global unicast address, and so is the IPv4 address that it stands for.

    See the IANA's special-purpose address registries (RFC 6890), and RFC 6052 for 64:ff9b::/96.
    """
    if isinstance(address, IPv4Address):
        return _is_usable(address) and not any(address in network for network in _EXCLUDED_4)
    inner = _translated(address)
    if inner is not None:
        return is_public(inner)
    usable = _is_usable(address) and address in _GLOBAL_UNICAST and address.scope_id is None
    return usable and not any(address in network for network in _EXCLUDED_6)


def _is_usable(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _translated(address: IPv6Address) -> IPv4Address | None:
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped
