//! What the firmware tells, in the words that the program for Linux has for it.

use core::fmt;

use cellscan_core::carrier::{Carriers, Strength, Trial};
use cellscan_core::scan::Event;

use crate::app::News;

/// A line, without its end.
#[derive(Debug)]
pub struct Words<'a> {
    /// What is told.
    pub news: News,
    /// What the scan knows by then.
    pub carriers: &'a Carriers,
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = match self.news {
            News::Scan(event) => event,
            News::Trouble => return f.write_str("trouble with the UART"),
            News::Ended(ending) => return write!(f, "{ending}"),
        };
        match event {
            Event::Moved { to, .. } => write!(f, "Cellular Scan - State {}", to.number()),
            Event::Listed { count, took } => write!(f, "{count} operators after {} ms", took.as_millis()),
            Event::TrialBegins(plmn) => write!(f, "{plmn} ..."),
            Event::TrialEnded(plmn) => {
                write!(f, "{plmn}: ")?;
                let carrier = self.carriers.iter().find(|carrier| carrier.plmn == plmn);
                match carrier.map_or(Trial::Untried, |carrier| carrier.trial) {
                    Trial::Registered(Strength { rssi_dbm: Some(dbm), .. }) => write!(f, "{dbm} dBm"),
                    other => write!(f, "{other:?}"),
                }
            }
            Event::Selected(plmn) => write!(f, "selected {plmn}"),
            other => write!(f, "{other:?}"),
        }
    }
}
