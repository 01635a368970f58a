//! The output of the firmware, in the words of the Linux program.

use core::fmt;

use cellscan_core::carrier::{Carriers, Strength, Trial};
use cellscan_core::scan::Event;

use crate::app::News;

/// A line, without its end.
#[derive(Debug)]
pub struct Words<'a> {
    /// The news.
    pub news: News,
    /// The data of the scan at that time.
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
