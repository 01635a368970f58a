//! How the scan was to go, in the header of a recording: `strategy=full budget=300000 …`, times in milliseconds.

use cellscan_core::scan::policy::{NoLink, Timeouts};
use cellscan_core::scan::{Policy, Strategy};
use cellscan_core::time::Span;

type Time = (&'static str, fn(&mut Timeouts) -> &mut Span);

const TIMEOUTS: [Time; 17] = [
    ("take", |times| &mut times.take),
    ("want", |times| &mut times.want),
    ("down", |times| &mut times.down),
    ("down_again", |times| &mut times.down_again),
    ("term", |times| &mut times.term),
    ("kill", |times| &mut times.kill),
    ("supervisor", |times| &mut times.supervisor),
    ("open", |times| &mut times.open),
    ("read", |times| &mut times.read),
    ("deregister", |times| &mut times.deregister),
    ("search", |times| &mut times.search),
    ("register", |times| &mut times.register),
    ("signal", |times| &mut times.signal),
    ("verify", |times| &mut times.verify),
    ("restore", |times| &mut times.restore),
    ("give_back", |times| &mut times.give_back),
    ("link", |times| &mut times.link),
];

/// All of it.
#[must_use]
pub fn words(policy: &Policy) -> String {
    let strategy = match policy.strategy {
        Strategy::Full => "full".to_owned(),
        Strategy::GoodEnough(dbm) => format!("good_enough:{dbm}"),
        Strategy::Adaptive(dbm) => format!("adaptive:{dbm}"),
        Strategy::Quick => "quick".to_owned(),
    };
    let no_link = match policy.no_link {
        NoLink::Warn => "warn",
        NoLink::NextBest => "next_best",
    };
    let ranking = policy.ranking;
    let mut words = vec![
        format!("strategy={strategy}"),
        format!("budget={}", policy.budget.as_millis()),
        format!("settle={}", policy.settle.as_millis()),
        format!("confirm={}", policy.confirm.as_millis()),
        format!("samples={}", policy.samples),
        format!("poll={}", policy.poll.as_millis()),
        format!("searches={}", policy.searches),
        format!("retakes={}", policy.retakes),
        format!("reopens={}", policy.reopens),
        format!("try_forbidden={}", policy.try_forbidden),
        format!("deregister={}", policy.deregister),
        format!("hysteresis_db={}", ranking.hysteresis_db),
        format!("usable_rssi_dbm={}", ranking.usable_rssi_dbm),
        format!("usable_rsrp_dbm={}", ranking.usable_rsrp_dbm),
        format!("no_link={no_link}"),
    ];
    let mut times = policy.timeouts;
    words.extend(TIMEOUTS.iter().map(|(name, field)| format!("t.{name}={}", field(&mut times).as_millis())));
    words.join(" ")
}

/// The policy again; what is not there is as in the default. `None`: a word that means nothing.
#[must_use]
pub fn parse(text: &str) -> Option<Policy> {
    let mut policy = Policy::DEFAULT;
    for word in text.split_whitespace() {
        let (key, value) = word.split_once('=')?;
        let time = || value.parse().ok().map(Span::from_millis);
        if let Some(name) = key.strip_prefix("t.") {
            let (_, field) = TIMEOUTS.iter().find(|(known, _)| *known == name)?;
            *field(&mut policy.timeouts) = time()?;
            continue;
        }
        match key {
            "strategy" => {
                policy.strategy = match value.split_once(':') {
                    None if value == "full" => Strategy::Full,
                    None if value == "quick" => Strategy::Quick,
                    Some(("good_enough", dbm)) => Strategy::GoodEnough(dbm.parse().ok()?),
                    Some(("adaptive", dbm)) => Strategy::Adaptive(dbm.parse().ok()?),
                    None | Some(_) => return None,
                }
            }
            "budget" => policy.budget = time()?,
            "settle" => policy.settle = time()?,
            "confirm" => policy.confirm = time()?,
            "poll" => policy.poll = time()?,
            "samples" => policy.samples = value.parse().ok()?,
            "searches" => policy.searches = value.parse().ok()?,
            "retakes" => policy.retakes = value.parse().ok()?,
            "reopens" => policy.reopens = value.parse().ok()?,
            "try_forbidden" => policy.try_forbidden = value.parse().ok()?,
            "deregister" => policy.deregister = value.parse().ok()?,
            "hysteresis_db" => policy.ranking.hysteresis_db = value.parse().ok()?,
            "usable_rssi_dbm" => policy.ranking.usable_rssi_dbm = value.parse().ok()?,
            "usable_rsrp_dbm" => policy.ranking.usable_rsrp_dbm = value.parse().ok()?,
            "no_link" => policy.no_link = if value == "next_best" { NoLink::NextBest } else { NoLink::Warn },
            _ => return None,
        }
    }
    Some(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_comes_back_whole() {
        let mut policy = Policy {
            strategy: Strategy::GoodEnough(-81),
            budget: Span::from_millis(123_456),
            samples: 5,
            no_link: NoLink::NextBest,
            try_forbidden: true,
            ..Policy::DEFAULT
        };
        for (index, (_, field)) in (1..).zip(TIMEOUTS) {
            *field(&mut policy.timeouts) = Span::from_millis(index);
        }
        assert_eq!(parse(&words(&policy)), Some(policy));
        policy.strategy = Strategy::Adaptive(-90);
        assert_eq!(parse(&words(&policy)), Some(policy));
        assert_eq!(parse("strategy=none"), None);
    }
}
