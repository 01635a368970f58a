//! One line of each kind: nothing panics, and what is read lies in its table.
#![no_main]

use cellscan_core::at::current::{CurrentOperator, OperatorLine};
use cellscan_core::at::errors;
use cellscan_core::at::fields::Fields;
use cellscan_core::at::registration::{Domain, Registration, RegistrationLine};
use cellscan_core::at::reply::{FinalResult, SimState};
use cellscan_core::at::settings::ErrorFormat;
use cellscan_core::at::signal::{cesq, csq};
use cellscan_core::at::text::Text;
use cellscan_core::at::vendor::Vendor;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    if let Some(result) = FinalResult::parse(line) {
        assert!(result.is_ok() || result != FinalResult::Ok);
        let _ = (result.meaning(), FinalResult::detail(line));
    }
    let _ = (SimState::parse(line), ErrorFormat::parse(line), errors::cme_code(line), errors::cms_code(line));
    let characters = Text::new(line).chars().count();
    assert!(characters <= line.len());
    assert!(Fields::new(line).count() <= line.len() + 1);
    let (said, read) = (OperatorLine::parse(line), CurrentOperator::parse(line));
    assert_eq!(said.is_some(), read.is_some());
    for domain in Domain::ALL {
        let (said, read) = (RegistrationLine::parse(domain, line), Registration::parse(domain, line));
        assert_eq!(said.is_some(), read.is_some());
        if let Some(said) = said {
            for digits in [said.area, said.cell].into_iter().flatten() {
                assert!(!digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit));
            }
        }
    }
    for vendor in Vendor::ALL {
        if let Some(strength) = vendor.read(line) {
            assert!(strength.rssi_dbm.is_none_or(|dbm| (-121..=-20).contains(&dbm)), "{strength:?}");
            assert!(strength.rsrp_dbm.is_none_or(|dbm| (-157..=-31).contains(&dbm)), "{strength:?}");
            assert!(strength.rsrq_db10.is_none_or(|db| (-435..=200).contains(&db)), "{strength:?}");
        }
    }
    let _ = Vendor::named(line);
    if let Some(strength) = csq(line) {
        assert!(strength.rssi_dbm.is_none_or(|dbm| (-116..=-25).contains(&dbm)));
    }
    if let Some(strength) = cesq(line) {
        assert!(strength.rsrp_dbm.is_none_or(|dbm| (-157..=-31).contains(&dbm)));
    }
});
