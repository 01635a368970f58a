//! The 20 bytes of `supervise/status`, in the format of `runsv.c: update_status` of runit 2.1.2.
//!
//! A second parser on purpose: tests do not judge the program by its own one.

/// The status of a service in the record of `runsv`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Status {
    /// TAI64 seconds of the last change, as in the file.
    pub tai_seconds: u64,
    /// The process of `run` or `finish`; 0: none.
    pub pid: u32,
    /// `STOP` was sent, `CONT` not yet.
    pub paused: bool,
    /// The want.
    pub want: Want,
    /// `runsv` has sent `TERM`, and the process has not ended yet.
    pub got_term: bool,
    /// The state.
    pub state: State,
}

/// Byte 17.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Want {
    /// `u`.
    Up,
    /// `d`, which also stands for "exit".
    Down,
    /// Anything else.
    Other(u8),
}

/// Byte 19.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// 0.
    Down,
    /// 1.
    Run,
    /// 2.
    Finish,
    /// Anything else.
    Other(u8),
}

impl Status {
    /// Parses the record.
    #[must_use]
    pub fn parse(record: &[u8; 20]) -> Self {
        let [s0, s1, s2, s3, s4, s5, s6, s7, _, _, _, _, p0, p1, p2, p3, paused, want, term, state] = *record;
        Self {
            tai_seconds: u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
            pid: u32::from_le_bytes([p0, p1, p2, p3]),
            paused: paused != 0,
            want: match want {
                b'u' => Want::Up,
                b'd' => Want::Down,
                other => Want::Other(other),
            },
            got_term: term != 0,
            state: match state {
                0 => State::Down,
                1 => State::Run,
                2 => State::Finish,
                other => State::Other(other),
            },
        }
    }

    /// Down, wanted down, and no process.
    #[must_use]
    pub fn is_held_down(&self) -> bool {
        self.state == State::Down && self.want == Want::Down && self.pid == 0
    }

    /// Running, wanted up, with a process.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.state == State::Run && self.want == Want::Up && self.pid != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_big_endian_and_the_pid_is_little_endian() {
        let mut record = [0; 20];
        record[..8].copy_from_slice(&0x4000_0000_6543_2101_u64.to_be_bytes());
        record[12..16].copy_from_slice(&[0x34, 0x12, 0, 0]);
        record[17] = b'u';
        record[19] = 1;
        let status = Status::parse(&record);
        assert_eq!((status.tai_seconds, status.pid), (0x4000_0000_6543_2101, 0x1234));
        assert!(status.is_up() && !status.is_held_down());
    }
}
