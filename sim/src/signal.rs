//! Signals, as far as the simulated machine sends them.

/// A POSIX signal.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "the variants are the names of signal(7)")]
pub enum Signal {
    Hup,
    Int,
    Quit,
    Ill,
    Abrt,
    Bus,
    Fpe,
    Segv,
    Kill,
    Usr1,
    Usr2,
    Pipe,
    Alrm,
    Term,
    Cont,
    Stop,
}

impl Signal {
    const ALL: [(Self, &'static str); 16] = [
        (Self::Hup, "HUP"),
        (Self::Int, "INT"),
        (Self::Quit, "QUIT"),
        (Self::Ill, "ILL"),
        (Self::Abrt, "ABRT"),
        (Self::Bus, "BUS"),
        (Self::Fpe, "FPE"),
        (Self::Segv, "SEGV"),
        (Self::Kill, "KILL"),
        (Self::Usr1, "USR1"),
        (Self::Usr2, "USR2"),
        (Self::Pipe, "PIPE"),
        (Self::Alrm, "ALRM"),
        (Self::Term, "TERM"),
        (Self::Cont, "CONT"),
        (Self::Stop, "STOP"),
    ];

    /// The name without `SIG`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(signal, _)| *signal == self).map_or("?", |(_, name)| name)
    }

    /// The signal of that name (without `SIG`), where there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(signal, _)| *signal)
    }

    /// The signal of that number on Linux, where it is one of these.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Hup),
            2 => Some(Self::Int),
            3 => Some(Self::Quit),
            4 => Some(Self::Ill),
            6 => Some(Self::Abrt),
            7 => Some(Self::Bus),
            8 => Some(Self::Fpe),
            9 => Some(Self::Kill),
            10 => Some(Self::Usr1),
            11 => Some(Self::Segv),
            12 => Some(Self::Usr2),
            13 => Some(Self::Pipe),
            14 => Some(Self::Alrm),
            15 => Some(Self::Term),
            18 => Some(Self::Cont),
            19 => Some(Self::Stop),
            _ => None,
        }
    }
}
