//! A modem for tests in real time.

use cellscan_sim::modem::{Delays, Network, Profile, Select};

/// The recorded modem, some hundred times as quick.
#[must_use]
pub fn quick_modem() -> Profile {
    let mut profile = Profile {
        delays: Delays { signal: 20, deregister: 60, automatic: 50, search: 600, ..Delays::default() },
        automatic_registration_ms: 200,
        signal_settle_ms: 100,
        boot_ms: 500,
        ..Profile::default()
    };
    profile.networks.iter_mut().for_each(hasten);
    profile
}

fn hasten(network: &mut Network) {
    network.registration_ms = 40;
    network.select = match network.select {
        Select::Refuse { code, .. } => Select::Refuse { after_ms: 60, code },
        Select::Accept { .. }
        | Select::Silent { .. }
        | Select::AcceptButRegistersElsewhere { .. }
        | Select::AcceptLate { .. } => Select::Accept { after_ms: 120 },
    };
}
