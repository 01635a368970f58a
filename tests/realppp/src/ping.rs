//! Echo requests over whatever route there is, from before a scan to after it.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cellscan_tests::support::wait::look_for;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, ipproto, recv, sendto, socket};

/// Behind the network: only the default route leads there.
pub(crate) const FAR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// Between two requests; an answer counts if it comes before the next one.
pub(crate) const INTERVAL: Duration = Duration::from_millis(100);
/// A silence is an outage from here on: on a machine that is busy a single answer may be late.
const OUTAGE_MIN: Duration = Duration::from_secs(1);

/// Pings until it is dropped.
#[derive(Debug)]
pub(crate) struct Ping {
    /// When each answered request was sent.
    answered: Arc<Mutex<Vec<Instant>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// From the last answered request to the next answered one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

impl Outage {
    pub(crate) fn lasted(&self) -> Duration {
        self.to - self.from
    }
}

impl Ping {
    pub(crate) fn start() -> Self {
        let raw = socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP))
            .expect("root may open a raw socket");
        let answered = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (for_thread, stopped) = (Arc::clone(&answered), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut due = Instant::now();
            for number in (0..=u16::MAX).cycle() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let sent = Instant::now();
                // Where the machine was away it does not catch up.
                due = (due + INTERVAL).max(sent + INTERVAL / 2);
                if is_answered(&raw, number, due) {
                    for_thread.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
                }
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        });
        Self { answered, stop, thread: Some(thread) }
    }

    fn answered(&self) -> Vec<Instant> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When the first request was sent, after `since`, that was answered; `None`: none within `limit`.
    pub(crate) fn answered_after(&self, since: Instant, limit: Duration) -> Option<Instant> {
        look_for(limit, || self.answered().into_iter().find(|sent| *sent > since))
    }

    /// The outages that ended after `since`.
    pub(crate) fn outages(&self, since: Instant) -> Vec<Outage> {
        let answered = self.answered();
        let pairs = answered.iter().zip(answered.iter().skip(1));
        let gaps = pairs.map(|(from, to)| Outage { from: *from, to: *to });
        gaps.filter(|gap| gap.lasted() >= OUTAGE_MIN && gap.to > since).collect()
    }
}

impl Drop for Ping {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends a request, and waits for its answer until `due`. Without a route it cannot be sent.
fn is_answered(raw: &OwnedFd, number: u16, due: Instant) -> bool {
    let request = request(number);
    if sendto(raw, &request, SendFlags::empty(), &SocketAddrV4::new(FAR, 0)).is_err() {
        return false;
    }
    loop {
        let left = due.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).expect("a tenth of a second");
        let mut fds = [PollFd::new(raw, PollFlags::IN)];
        if left.is_zero() || !poll(&mut fds, Some(&timeout)).is_ok_and(|ready| ready > 0) {
            return false;
        }
        let mut packet = [0_u8; 256];
        let Ok((_, length)) = recv(raw, &mut packet, RecvFlags::DONTWAIT) else { continue };
        // RFC 791 §3.1: the length of the header, in words; RFC 792: type 0 is the answer, then identity and number as sent.
        let header = usize::from(packet[0] & 15) * 4;
        let body = packet.get(header..length).unwrap_or_default();
        if body.first() == Some(&0) && body.get(4..8) == request.get(4..8) {
            return true;
        }
    }
}

fn request(number: u16) -> [u8; 16] {
    let mut packet = [0_u8; 16];
    packet[0] = 8;
    packet[4..6].copy_from_slice(b"cs");
    packet[6..8].copy_from_slice(&number.to_be_bytes());
    let words = packet.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or_default();
    packet[2..4].copy_from_slice(&(!folded).to_be_bytes());
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_a_request_makes_its_sum_all_ones() {
        for number in [0, 1, 0x7fff, u16::MAX] {
            let words = request(number);
            let sum: u32 =
                words.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
            assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff, "{number}");
        }
    }
}
