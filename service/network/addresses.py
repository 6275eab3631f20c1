"""Which addresses are of the public Internet, however they are written."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

# What `is_global` of some versions of Python lets through: protocol assignments, the relays of
# 6to4, and in IPv6 what is translated to other addresses or only for documentation.
_EXCLUDED_4 = [ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24")]
_EXCLUDED_6 = [ip_network(text) for text in ("2001::/23", "2002::/16", "3fff::/20")]
_GLOBAL_UNICAST = ip_network("2000::/3")
_TRANSLATED = ip_network("64:ff9b::/96")
_ISATAP, _ISATAP_MASK = 0x5EFE, 0xFCFFFFFF
"""Before the last 32 bits, an IPv4 address that is tunnelled to; two bits may be set (RFC 5214)."""


class AddressRefused(Exception):
    """A host that is not of the public Internet, or that has an address which is not.

    The text goes to whoever named the host: it does not tell which addresses a name has.
    """

    def __init__(self, host: str, setting: str) -> None:
        super().__init__(
            f"{host} is, or leads to, no public address: name another host, or allow private ones "
            f"with {setting}=true"
        )


@dataclass(frozen=True)
class AddressRule:
    """Which addresses may be connected to; `setting` is the variable that allows private ones."""

    setting: str
    allow_private: bool = False

    def check_host(self, host: str) -> None:
        """Raises AddressRefused for a literal address that is not public; host names pass."""
        try:
            ip_address(host)
        except ValueError:
            return
        self.check(host, [host])

    def check(self, host: str, addresses: list[str]) -> None:
        """Raises AddressRefused when one of the addresses of `host` is not public, or none."""
        if not self.allow_private and not all(map(_is_public, addresses)):
            raise AddressRefused(host, self.setting)


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
    excluded = _is_tunnelled(address) or any(address in network for network in _EXCLUDED_6)
    return usable and not excluded


def _is_public(text: str) -> bool:
    try:
        return is_public(ip_address(text))
    except ValueError:
        return False


def _is_usable(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _translated(address: IPv6Address) -> IPv4Address | None:
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped


def _is_tunnelled(address: IPv6Address) -> bool:
    return int(address) >> 32 & _ISATAP_MASK == _ISATAP
