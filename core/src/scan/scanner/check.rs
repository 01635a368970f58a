//! Checks whether the modem is registered on the wanted carrier: `+COPS?` and then the registration domains.
//!
//! Connected means the wanted PLMN in `+COPS?` *and* registered in a packet domain; `+CREG` counts only where no other
//! domain exists. Field logs show `+COPS: 1` without an operator, and `+CREG` denied on a working LTE link.

use crate::at::answer::{Answer, Outcome};
use crate::at::command::Command;
use crate::at::current::{CurrentOperator, Operator};
use crate::at::registration::Domain;
use crate::carrier::Carrier;

/// The registration domains that a modem does not know, learned from its error answers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Domains {
    absent: u8,
}

impl Domains {
    pub(super) const ALL_UNKNOWN: Self = Self { absent: 0 };

    const fn bit(domain: Domain) -> u8 {
        match domain {
            Domain::Eps => 1,
            Domain::Packet => 2,
            Domain::FiveG => 4,
            Domain::Circuit => 8,
        }
    }

    const fn forget(&mut self, domain: Domain) {
        self.absent |= Self::bit(domain);
    }

    /// The next domain to query after `last`, or the first. `+CREG` only where the three others are absent.
    fn next(self, last: Option<Domain>) -> Option<Domain> {
        let mut rest = Domain::ALL.into_iter();
        if let Some(last) = last {
            rest.by_ref().find(|domain| *domain == last);
        }
        let known = |domain: &Domain| self.absent & Self::bit(*domain) == 0;
        let packet_domains = self.absent & 7 != 7;
        rest.filter(|domain| !(*domain == Domain::Circuit && packet_domains)).find(known)
    }
}

/// A running check of the registration.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Check {
    /// The queried domain; `None` during `+COPS?`.
    domain: Option<Domain>,
    denied: bool,
}

/// The result of a step of the check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// Not finished: send this command.
    Ask(Command),
    /// Registered on the wanted carrier.
    There,
    /// Not registered there, or not yet.
    NotThere,
    /// The network denies the registration.
    Denied,
}

impl Check {
    /// Begins with [`Check::FIRST`].
    pub(super) const fn new() -> Self {
        Self { domain: None, denied: false }
    }

    /// The first command.
    pub(super) const FIRST: Command = Command::CurrentOperator;

    /// Takes the outcome of the last command. `wanted`: the carrier to be on; `None`: any.
    pub(super) fn take(
        &mut self,
        outcome: &Outcome,
        wanted: Option<&Carrier>,
        domains: &mut Domains,
    ) -> Verdict {
        match (self.domain, outcome) {
            (None, Outcome::Answered(Answer::Operator(current))) if is_on(current, wanted) => {}
            (None, _) => return Verdict::NotThere,
            (Some(_), Outcome::Answered(Answer::Registration(found))) if found.is_registered() => {
                return Verdict::There;
            }
            (Some(_), Outcome::Answered(Answer::Registration(found))) => self.denied |= found.is_denied(),
            (Some(domain), Outcome::Refused(_)) => domains.forget(domain),
            (Some(_), _) => {}
        }
        match domains.next(self.domain) {
            Some(domain) => {
                self.domain = Some(domain);
                Verdict::Ask(Command::Registration(domain))
            }
            None if self.denied => Verdict::Denied,
            None => Verdict::NotThere,
        }
    }
}

fn is_on(current: &CurrentOperator, wanted: Option<&Carrier>) -> bool {
    match (&current.operator, wanted) {
        (Some(Operator::Plmn(plmn)), Some(carrier)) => *plmn == carrier.plmn,
        (Some(Operator::Name(name)), Some(carrier)) => *name == carrier.name,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::current::SelectionMode;
    use crate::at::registration::Registration;
    use crate::at::reply::FinalResult;
    use crate::carrier::{Carriers, Name, Plmn};

    fn carrier() -> Carrier {
        let mut carriers = Carriers::new();
        let plmn = Plmn::parse(b"310410").unwrap();
        carriers.insert(
            plmn,
            &Name::new("AT&T"),
            crate::carrier::Availability::Available,
            crate::carrier::Technologies::NONE,
        );
        carriers.get(0).unwrap().clone()
    }

    fn on(operator: Option<Operator>) -> Outcome {
        let current =
            CurrentOperator { mode: SelectionMode::Manual, operator, technology: None, format: None };
        Outcome::Answered(Answer::Operator(current))
    }

    fn state(domain: Domain, stat: u8) -> Outcome {
        Outcome::Answered(Answer::Registration(Registration {
            domain,
            stat,
            technology: None,
            unsolicited: false,
        }))
    }

    fn ask(domain: Domain) -> Verdict {
        Verdict::Ask(Command::Registration(domain))
    }

    #[test]
    fn there_means_the_wanted_plmn_and_a_packet_registration() {
        let (mut check, mut domains, wanted) = (Check::new(), Domains::ALL_UNKNOWN, carrier());
        let here = on(Some(Operator::Plmn(wanted.plmn)));
        assert_eq!(check.take(&here, Some(&wanted), &mut domains), ask(Domain::Eps));
        assert_eq!(check.take(&state(Domain::Eps, 5), Some(&wanted), &mut domains), Verdict::There);
    }

    #[test]
    fn no_operator_or_another_one_is_not_there_even_if_registered() {
        let wanted = carrier();
        for operator in [None, Some(Operator::Plmn(Plmn::parse(b"311480").unwrap()))] {
            let verdict = Check::new().take(&on(operator), Some(&wanted), &mut Domains::ALL_UNKNOWN.clone());
            assert_eq!(verdict, Verdict::NotThere);
        }
    }

    #[test]
    fn creg_denied_is_ignored_on_a_modem_with_cereg() {
        let (mut check, mut domains, wanted) = (Check::new(), Domains::ALL_UNKNOWN, carrier());
        let named = on(Some(Operator::Name(Name::new("AT&T"))));
        assert_eq!(check.take(&named, Some(&wanted), &mut domains), ask(Domain::Eps));
        assert_eq!(check.take(&state(Domain::Eps, 2), Some(&wanted), &mut domains), ask(Domain::Packet));
        assert_eq!(
            check.take(&Outcome::Refused(FinalResult::Error), Some(&wanted), &mut domains),
            ask(Domain::FiveG)
        );
        assert_eq!(check.take(&state(Domain::FiveG, 3), Some(&wanted), &mut domains), Verdict::Denied);
    }

    #[test]
    fn creg_counts_where_no_other_domain_exists() {
        let (mut check, mut domains) = (Check::new(), Domains::ALL_UNKNOWN);
        let error = Outcome::Refused(FinalResult::Error);
        let _ = check.take(&on(Some(Operator::Name(Name::new("x")))), None, &mut domains);
        for _ in 0..2 {
            let _ = check.take(&error, None, &mut domains);
        }
        assert_eq!(check.take(&error, None, &mut domains), ask(Domain::Circuit));
        assert_eq!(check.take(&state(Domain::Circuit, 1), None, &mut domains), Verdict::There);
        assert_eq!(domains.next(None), Some(Domain::Circuit), "and is the only domain queried from then on");
    }
}
