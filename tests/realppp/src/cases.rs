//! The cases, each named as the promise that it holds.

mod doctor;
mod kills;
mod no_ppp;
mod others;
mod phases;
mod random;
mod whole;

use crate::case::Case;

/// A case.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: &'static str,
    /// Whether the short form has it.
    pub(crate) short: bool,
    pub(crate) run: fn(&mut Case),
}

const fn short(name: &'static str, run: fn(&mut Case)) -> Named {
    Named { name, short: true, run }
}

const fn long(name: &'static str, run: fn(&mut Case)) -> Named {
    Named { name, short: false, run }
}

pub(crate) const CASES: &[Named] = &[
    short("a_scan_on_one_port_reports_the_outage_that_ping_sees", whole::one_port),
    short("a_scan_on_two_ports_reports_the_outage_that_ping_sees", whole::two_ports),
    long("the_next_scan_and_one_by_the_stable_name_end_alike", whole::again),
    long("a_pppd_that_connects_is_taken_and_given_back", phases::connecting),
    long("a_pppd_that_holds_off_is_taken_and_given_back", phases::holding_off),
    short("a_pppd_whose_peer_is_mute_is_waited_for", phases::mute_peer),
    long("a_pppd_that_persists_is_taken_and_given_back", phases::persisting),
    long("a_pppd_that_detaches_is_taken_and_given_back", phases::detaching),
    long("a_pppd_behind_a_shell_is_taken_and_given_back", phases::behind_a_shell),
    long("a_pppd_without_a_peers_file_is_taken_and_given_back", phases::without_a_peers_file),
    short("a_killed_scan_leaves_a_link", kills::scan_briefly),
    long("a_scan_killed_at_any_instant_leaves_a_link", kills::scan),
    long("a_scan_outlives_its_guard", kills::guard),
    short("restore_brings_the_link_back_when_guard_and_scan_were_killed", kills::both_briefly),
    long("restore_brings_the_link_back_from_every_state", kills::both),
    long("a_killed_pppd_is_started_again_and_waited_for", others::pppd),
    long("a_killed_runsv_is_replaced_and_asked_again", others::runsv),
    short("a_carrier_that_is_mute_is_passed_over", no_ppp::mute),
    long("a_carrier_that_refuses_calls_is_passed_over", no_ppp::refusing),
    long("a_carrier_without_ppp_is_warned_of", no_ppp::warned),
    long("no_carrier_with_ppp_ends_the_scan_and_the_link_comes_with_the_next", no_ppp::nowhere),
    short("doctor_finds_no_fault_in_a_sound_gateway_and_gives_it_back", doctor::sound),
    long("doctor_names_what_undoes_a_scan", doctor::undoing),
    long("scans_with_random_kills_leave_a_link_each_time", random::kills),
];
