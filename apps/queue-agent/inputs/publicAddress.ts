import ipaddr from "ipaddr.js";

/** All of IPv6 that is given out to hosts. Source: IANA, "IPv6 Global Unicast Address Space". */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * Whether an address belongs to a host of the public internet. Everything that has another purpose
 * does not: private networks, this machine, link-local addresses with the metadata services
 * (169.254.169.254, fd00:ec2::254, 169.254.170.2 and .23 of credentials), what tunnels or
 * translates to IPv4. IPv4 in IPv6 counts as the IPv4 that it is.
 *
 * Source: IANA's special-purpose address registries, as ipaddr.js knows them.
 */
export function isPublicAddress(address: string): boolean {
  // A zone (`fe80::1%eth0`) is of an address of this link.
  if (address.includes("%") || !ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(GLOBAL_UNICAST)) return false;
  return parsed.range() === "unicast";
}
