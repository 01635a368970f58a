//! The interfaces that are up and have an address, asked of the kernel by rtnetlink (`rtnetlink(7)`).

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with,
};

use super::LinkError;
use crate::clock::Clock;
use crate::event_loop::wait_one;

/// One datagram of a dump is at most 32 KiB (`netlink_dump` in `net/netlink/af_netlink.c`).
const DATAGRAM_LEN_MAX: usize = 32 * 1024;
/// Datagrams of one dump: some ten thousand addresses.
const DATAGRAMS_MAX: usize = 256;
/// The kernel answers a dump at once; this is for one that does not answer at all.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// `RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR` (linux/rtnetlink.h).
const GROUPS: u32 = 0x1 | 0x10 | 0x100;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP` (linux/netlink.h).
const FLAGS_DUMP: u16 = 0x1 | 0x300;
const IFLA_IFNAME: u16 = 3;
const IFF_UP: u32 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// A link-local address says nothing about the carrier: the interface makes it up.
const RT_SCOPE_LINK: u8 = 253;
/// `IFA_F_TENTATIVE | IFA_F_DADFAILED` (`linux/if_addr.h`): not usable yet, or never.
const IFA_UNUSABLE: u8 = 0x40 | 0x08;
const HEADER_LEN: usize = 16;

/// An interface that is up and has an IPv4 address, or an IPv6 address that is not link-local.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Interface {
    /// Its number, which no other interface has had or will have.
    pub(super) index: u32,
    pub(super) name: String,
}

/// All of that name.
pub(super) fn addressed(pattern: &str) -> Result<Vec<Interface>, LinkError> {
    let links = dump(RTM_GETLINK)?;
    let named = |link: &(u32, bool, String)| link.1 && matches(pattern, &link.2);
    let up: Vec<_> = messages(&links).filter_map(parse_link).filter(named).collect();
    if up.is_empty() {
        return Ok(Vec::new());
    }
    let addresses = dump(RTM_GETADDR)?;
    let indices: Vec<u32> = messages(&addresses).filter_map(parse_address).collect();
    let up = up.into_iter().filter(|(index, ..)| indices.contains(index));
    Ok(up.map(|(index, _, name)| Interface { index, name }).collect())
}

/// A socket that is readable when an interface or an address came or went.
pub(super) fn events() -> Result<OwnedFd, LinkError> {
    open(GROUPS)
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |start| name.starts_with(start))
}

fn open(groups: u32) -> Result<OwnedFd, LinkError> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // Protocol 0 is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)
        .map_err(|errno| LinkError::errno("open an rtnetlink socket", errno))?;
    bind(&socket, &SocketAddrNetlink::new(0, groups))
        .map_err(|errno| LinkError::errno("bind an rtnetlink socket", errno))?;
    Ok(socket)
}

/// Everything the kernel has to one kind of question. A socket of its own: no event gets between the answers.
fn dump(kind: u16) -> Result<Vec<u8>, LinkError> {
    let socket = open(0)?;
    let kernel = SocketAddrNetlink::new(0, 0);
    sendto(&socket, &request(kind), SendFlags::empty(), &kernel)
        .map_err(|errno| LinkError::errno("ask for the interfaces", errno))?;
    let mut all = Vec::new();
    let mut buf = vec![0; DATAGRAM_LEN_MAX];
    for _ in 0..DATAGRAMS_MAX {
        let came = wait_one(socket.as_fd(), PollFlags::IN, ANSWER_LIMIT, Clock::new());
        if !came.map_err(|errno| LinkError::errno("wait for the interfaces", errno))? {
            return Err(LinkError::NoAnswer);
        }
        let (count, _) = rustix::io::retry_on_intr(|| recv(&socket, buf.as_mut_slice(), RecvFlags::empty()))
            .map_err(|errno| LinkError::errno("read the interfaces", errno))?;
        let datagram = buf.get(..count).unwrap_or_default();
        for message in messages(datagram) {
            match message.kind {
                NLMSG_DONE => return Ok(all),
                NLMSG_ERROR => {
                    let code = message.body.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code));
                    let source = io::Error::from_raw_os_error(code.saturating_neg());
                    return Err(LinkError::Io { what: "list the interfaces", source });
                }
                _ => {}
            }
        }
        all.extend_from_slice(datagram);
    }
    Err(LinkError::NoAnswer)
}

/// `struct nlmsghdr` and a `struct ifinfomsg` of zeros: all families, all interfaces. `RTM_GETADDR` reads only the
/// first byte of what follows the header.
fn request(kind: u16) -> [u8; 32] {
    let mut request = [0; 32];
    let header = 32_u32.to_ne_bytes().into_iter().chain(kind.to_ne_bytes()).chain(FLAGS_DUMP.to_ne_bytes());
    for (to, byte) in request.iter_mut().zip(header) {
        *to = byte;
    }
    request
}

#[derive(Clone, Copy, Debug)]
struct Message<'a> {
    kind: u16,
    body: &'a [u8],
}

/// The messages of one or more datagrams; ends at the first that is none.
fn messages(mut rest: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let len = usize::try_from(u32::from_ne_bytes(*rest.first_chunk()?)).ok()?;
        let kind = u16::from_ne_bytes(*rest.get(4..)?.first_chunk()?);
        let body = rest.get(HEADER_LEN..len)?;
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(Message { kind, body })
    })
}

/// Index, whether it is up, and name, out of `struct ifinfomsg` and its attributes.
fn parse_link(message: Message<'_>) -> Option<(u32, bool, String)> {
    if message.kind != RTM_NEWLINK {
        return None;
    }
    let index = u32::from_ne_bytes(*message.body.get(4..)?.first_chunk()?);
    let flags = u32::from_ne_bytes(*message.body.get(8..)?.first_chunk()?);
    let name = attributes(message.body.get(16..)?).find(|(kind, _)| *kind == IFLA_IFNAME)?.1;
    let name = name.split(|byte| *byte == 0).next()?;
    Some((index, flags & IFF_UP != 0, String::from_utf8_lossy(name).into_owned()))
}

/// The index of the interface, out of a `struct ifaddrmsg` with a usable address.
fn parse_address(message: Message<'_>) -> Option<u32> {
    if message.kind != RTM_NEWADDR {
        return None;
    }
    let [family, _prefix, flags, scope] = *message.body.first_chunk()?;
    let index = u32::from_ne_bytes(*message.body.get(4..)?.first_chunk()?);
    let usable = match family {
        AF_INET => true,
        AF_INET6 => scope < RT_SCOPE_LINK && flags & IFA_UNUSABLE == 0,
        _ => false,
    };
    usable.then_some(index)
}

/// `struct rtattr`: length with its header, kind, value, padded to four bytes.
fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let len = usize::from(u16::from_ne_bytes(*rest.first_chunk()?));
        let kind = u16::from_ne_bytes(*rest.get(2..)?.first_chunk()?);
        let value = rest.get(4..len)?;
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(HEADER_LEN + body.len()).unwrap();
        let mut bytes = len.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn link(index: u32, flags: u32, name: &str) -> Vec<u8> {
        let mut body = vec![0; 4];
        body.extend(index.to_ne_bytes());
        body.extend(flags.to_ne_bytes());
        body.extend([0; 4]);
        body.extend(u16::try_from(5 + name.len()).unwrap().to_ne_bytes());
        body.extend(IFLA_IFNAME.to_ne_bytes());
        body.extend(name.as_bytes());
        body.push(0);
        message(RTM_NEWLINK, &body)
    }

    fn address(family: u8, flags: u8, scope: u8, index: u32) -> Vec<u8> {
        let mut body = vec![family, 32, flags, scope];
        body.extend(index.to_ne_bytes());
        message(RTM_NEWADDR, &body)
    }

    fn indices(bytes: &[u8]) -> Vec<u32> {
        messages(bytes).filter_map(parse_address).collect()
    }

    #[test]
    fn finds_loopback_and_rejects_unknown_interface() {
        let all = dump(RTM_GETLINK).unwrap();
        assert!(messages(&all).filter_map(parse_link).any(|(_, _, name)| name == "lo"));
        assert_eq!(addressed("cellscan-none").unwrap(), []);
    }

    #[test]
    fn links_are_read_with_their_names_and_flags() {
        let bytes = [link(3, 0x1_1043, "ppp0"), link(4, 0, "ppp1")].concat();
        let found: Vec<_> = messages(&bytes).filter_map(parse_link).collect();
        assert_eq!(found, [(3, true, "ppp0".to_owned()), (4, false, "ppp1".to_owned())]);
    }

    #[test]
    fn an_address_that_says_nothing_of_the_carrier_does_not_count() {
        assert_eq!(indices(&address(AF_INET, 0, 0, 3)), [3]);
        assert_eq!(indices(&address(AF_INET6, 0, 0, 3)), [3]);
        assert!(indices(&address(AF_INET6, 0, RT_SCOPE_LINK, 3)).is_empty());
        assert!(indices(&address(AF_INET6, 0x40, 0, 3)).is_empty(), "tentative");
        assert!(indices(&address(17, 0, 0, 3)).is_empty());
    }

    #[test]
    fn a_star_stands_for_any_end_of_the_name() {
        assert!(matches("ppp*", "ppp0") && matches("ppp*", "ppp-wan") && matches("wwan0", "wwan0"));
        assert!(!matches("ppp*", "eth0") && !matches("ppp0", "ppp01"));
    }

    #[test]
    fn no_bytes_make_the_parser_fail_or_run_for_ever() {
        let sound = [link(3, 1, "ppp0"), address(AF_INET, 0, 0, 3)].concat();
        for cut in 0..sound.len() {
            for flip in [0, 0xff] {
                let mut bytes = sound[..cut].to_vec();
                if let Some(byte) = bytes.get_mut(cut / 2) {
                    *byte ^= flip;
                }
                assert!(messages(&bytes).count() <= bytes.len());
                assert!(messages(&bytes).filter_map(parse_link).count() <= 2);
                assert!(indices(&bytes).len() <= 2);
            }
        }
        assert_eq!(messages(&[0; 64]).count(), 0, "a length of zero ends it");
    }
}
