//! The rules of runsv.c, one consequence for each test. Times are ms from the first status record.

use cellscan_core::supervisor::ServiceState;

use super::Rule;
use crate::machine::directory::{LogFiles, ServiceFiles};
use crate::machine::program::{File, Plain, Program, Term};
use crate::signal::Signal;
use crate::supervision::{Observed, Scenario, SeenStatus, Stimulus, Target, run};
use crate::trace::Ending;

fn service(program: impl Into<Program>) -> ServiceFiles {
    ServiceFiles { run: Some(File::new("run", program.into())), ..ServiceFiles::default() }
}

fn with_control(mut files: ServiceFiles, byte: u8, program: Program) -> ServiceFiles {
    files.control.get_or_insert_default().insert(byte, File::new("control", program));
    files
}

fn observe(service: ServiceFiles, stimuli: &[(u64, Stimulus)], duration_ms: u64) -> Observed {
    run(&Scenario { service, rule: Rule::Upstream, phase_ms: 0, stimuli: stimuli.to_vec(), duration_ms })
}

fn bytes(text: &str) -> Stimulus {
    Stimulus::Control { log: false, bytes: text.as_bytes().to_vec() }
}

/// `state name want[flags]`: the short form of a record.
fn told(seen: &[SeenStatus]) -> Vec<String> {
    let tell = |seen: &SeenStatus| {
        let state = match seen.record.state {
            ServiceState::Down => "down",
            ServiceState::Run => "run",
            ServiceState::Finish => "finish",
        };
        let name = seen.name.as_deref().unwrap_or("-");
        let want = if seen.record.want_up { "u" } else { "d" };
        let paused = if seen.record.paused { "p" } else { "" };
        let term = if seen.record.got_term { "t" } else { "" };
        format!("{state} {name} {want}{paused}{term}")
    };
    seen.iter().map(tell).collect()
}

fn starts(observed: &Observed) -> Vec<i64> {
    let mut named: Vec<&str> = Vec::new();
    let mut times = Vec::new();
    for seen in &observed.status {
        if let Some(name) = seen.name.as_deref().filter(|name| name.starts_with('R'))
            && !named.contains(&name)
        {
            named.push(name);
            times.push(seen.t_ms);
        }
    }
    times
}

fn signals(observed: &Observed) -> Vec<(Signal, &str)> {
    observed.signals.iter().map(|(_, signal, to)| (*signal, to.as_str())).collect()
}

#[test]
fn a_service_that_dies_within_a_second_restarts_a_full_second_later() {
    let observed = observe(service(Program::exits(990, 1)), &[], 4_500);
    let times = starts(&observed);
    assert!(times.windows(2).all(|pair| (1_990..2_000).contains(&(pair[1] - pair[0]))), "{times:?}");
}

#[test]
fn a_service_that_dies_later_restarts_at_once() {
    let times = starts(&observe(service(Program::exits(1_050, 1)), &[], 3_300));
    assert!(times.windows(2).all(|pair| (1_050..1_060).contains(&(pair[1] - pair[0]))), "{times:?}");
}

#[test]
fn busybox_pauses_only_if_start_and_death_are_in_the_same_wall_clock_second() {
    let early = |phase_ms| {
        let service = service(Program::exits(200, 1));
        let scenario = Scenario { service, rule: Rule::Busybox, phase_ms, stimuli: vec![], duration_ms: 500 };
        run(&scenario).sleeps.first().map(|(t, _)| *t)
    };
    assert!(early(300).is_some_and(|at| at < 250));
    assert!(early(900).is_some_and(|at| at > 400), "the first death escapes, the second does not");
}

#[test]
fn the_first_byte_in_the_pause_is_obeyed_before_the_restart() {
    let observed = observe(service(Program::exits(200, 1)), &[(600, bytes("d"))], 2_600);
    assert_eq!(starts(&observed).len(), 1);
}

#[test]
fn the_second_byte_in_the_pause_is_obeyed_only_after_the_restart() {
    let observed = observe(service(Program::exits(200, 1)), &[(600, bytes("td"))], 2_600);
    assert_eq!(starts(&observed).len(), 2);
    assert_eq!(told(&observed.status).last().map(String::as_str), Some("down - d"));
}

#[test]
fn a_queued_x_is_obeyed_before_the_restart_and_a_queued_sigterm_after_it() {
    let by_byte = observe(service(Program::exits(200, 1)), &[(600, bytes("x"))], 3_000);
    assert_eq!((starts(&by_byte).len(), by_byte.exit.map(|(_, how)| how)), (1, Some(Ending::Exit(0))));
    let term = Stimulus::Kill(Target::Runsv, Signal::Term);
    let by_signal = observe(service(Program::exits(200, 1)), &[(600, term)], 3_000);
    assert_eq!((starts(&by_signal).len(), by_signal.exit.map(|(_, how)| how)), (2, Some(Ending::Exit(0))));
}

#[test]
fn a_d_rewrites_the_record_even_if_it_changes_nothing() {
    let observed = observe(service(Program::forever()), &[(1_300, bytes("d")), (1_500, bytes("d"))], 1_800);
    assert_eq!(
        told(&observed.status),
        ["down - u", "run R1 u", "run R1 d", "run R1 dt", "down - d", "down - d"]
    );
}

#[test]
fn each_d_to_a_running_service_sends_another_term() {
    let ignores = Plain { term: Term::Ignores, ..Plain::default() };
    let observed = observe(service(ignores), &[(1_300, bytes("d")), (1_500, bytes("d"))], 1_800);
    let (term, cont) = ((Signal::Term, "R1"), (Signal::Cont, "R1"));
    assert_eq!(signals(&observed), [term, cont, term, cont]);
}

#[test]
fn once_is_recorded_as_down_and_sends_no_signal() {
    let observed = observe(service(Program::forever()), &[(1_300, bytes("o"))], 1_800);
    assert_eq!(told(&observed.status).last().map(String::as_str), Some("run R1 d"));
    assert_eq!(signals(&observed), []);
}

#[test]
fn the_down_file_is_read_once_at_the_start() {
    let observed =
        observe(service(Program::exits(1_200, 0)), &[(100, Stimulus::Touch("down".to_owned()))], 2_000);
    assert_eq!(starts(&observed).len(), 2);
}

#[test]
fn finish_is_not_signalled_and_its_pid_is_in_the_record() {
    let mut files = service(Program::forever());
    files.finish = Some(File::new("finish", Program::exits(400, 0)));
    let observed = observe(files, &[(1_300, bytes("d")), (1_500, bytes("dt"))], 2_200);
    assert!(told(&observed.status).contains(&"finish F1 d".to_owned()));
    assert!(observed.signals.iter().all(|(_, _, to)| to == "R1"));
}

#[test]
fn a_k_during_finish_makes_it_run_twice() {
    let mut files = service(Program::exits(1_200, 0));
    files.finish = Some(File::new("finish", Program::exits(600, 0)));
    let observed = observe(files, &[(1_400, bytes("kd"))], 3_500);
    assert!(told(&observed.status).contains(&"finish F2 d".to_owned()));
}

#[test]
fn finish_is_searched_at_each_death() {
    let late = File::new("finish", Program::exits(100, 0));
    let stimuli = [(1_500, Stimulus::Write("finish".to_owned(), late))];
    let observed = observe(service(Program::exits(1_200, 0)), &stimuli, 3_000);
    let finishes: Vec<_> =
        told(&observed.status).into_iter().filter(|told| told.starts_with("finish F")).collect();
    assert_eq!(finishes, ["finish F1 u"]);
}

#[test]
fn a_control_t_that_exits_0_forbids_the_term_and_leaves_no_flag() {
    let files = with_control(service(Program::forever()), b't', Program::exits(0, 0));
    let observed = observe(files, &[(1_300, bytes("d"))], 2_000);
    assert_eq!(told(&observed.status).last().map(String::as_str), Some("run R1 d"));
    assert_eq!(signals(&observed), [(Signal::Cont, "R1")]);
}

#[test]
fn a_control_t_that_dies_of_a_signal_counts_as_exit_0() {
    let dies = Plain { run_ms: Some(10), dies_of: Some(Signal::Kill), ..Plain::default() };
    let files = with_control(service(Program::forever()), b't', dies.into());
    let observed = observe(files, &[(1_300, bytes("d"))], 2_000);
    assert_eq!(signals(&observed), [(Signal::Cont, "R1")]);
}

#[test]
fn a_control_script_blocks_runsv_from_commands_and_from_reaping() {
    let files = with_control(service(Program::exits(1_500, 0)), b't', Program::exits(1_000, 1));
    let observed = observe(files, &[(1_300, bytes("d"))], 3_000);
    let seen: Vec<_> =
        observed.status.iter().filter(|seen| seen.t_ms > 1_350).map(|seen| seen.t_ms).collect();
    assert!(seen.first().is_some_and(|first| *first > 2_300), "blocked until the script has ended: {seen:?}");
}

#[test]
fn a_control_script_has_sigterm_blocked() {
    let files = with_control(service(Program::forever()), b't', Program::exits(600, 1));
    let kill = Stimulus::Kill(Target::Program("control".to_owned(), 1), Signal::Term);
    let observed = observe(files, &[(1_300, bytes("d")), (1_500, kill)], 3_000);
    assert!(observed.signals.first().is_some_and(|(at, ..)| *at > 1_890));
}

#[test]
fn u_while_a_killed_process_survives_starts_a_second_one() {
    let files = with_control(service(Program::forever()), b'k', Program::exits(0, 0));
    let observed = observe(files, &[(1_300, bytes("k")), (1_500, bytes("u"))], 2_000);
    let all = told(&observed.status);
    assert_eq!(&all[2..], ["down R1 u", "down R1 ut", "run R2 u"]);
    assert_eq!(signals(&observed), [(Signal::Term, "R1")]);
}

#[test]
fn u_before_the_end_cancels_an_x() {
    let slow = Plain { term: Term::Exits { code: 0, after_ms: 500 }, ..Plain::default() };
    let observed = observe(service(slow), &[(1_300, bytes("x")), (1_500, bytes("u"))], 3_000);
    assert_eq!((observed.exit, starts(&observed).len()), (None, 2));
}

#[test]
fn u_after_the_log_pipe_is_closed_starts_a_service_that_dies_at_once() {
    let mut files = service(Program::forever());
    let deaf = Plain { term: Term::Ignores, ..Plain::default() };
    files.log = Some(LogFiles::from(Program::from(deaf)));
    let observed = observe(files, &[(1_300, bytes("x")), (1_600, bytes("u"))], 4_000);
    assert_eq!(observed.exit, None);
    assert!(observed.sleeps.len() >= 2, "each start dies at once: {:?}", observed.sleeps);
}

#[test]
fn x_ends_the_log_by_closing_its_pipe() {
    let mut files = service(Program::forever());
    files.log = Some(LogFiles::from(Program::Reader));
    let observed = observe(files, &[(1_300, bytes("x"))], 2_000);
    assert_eq!(told(&observed.log_status).last().map(String::as_str), Some("down - d"));
    assert_eq!(observed.exit.map(|(_, how)| how), Some(Ending::Exit(0)));
    assert!(observed.signals.iter().all(|(_, _, to)| to == "R1"), "the log is not signalled");
}

#[test]
fn a_log_that_dies_early_delays_the_service_too() {
    let mut files = service(Program::forever());
    files.log = Some(LogFiles::from(Program::exits(300, 0)));
    let observed = observe(files, &[(500, bytes("d"))], 2_000);
    let obeyed = observed.status.iter().find(|seen| !seen.record.want_up).map(|seen| seen.t_ms);
    assert!(obeyed.is_some_and(|at| at > 1_250), "{obeyed:?}");
}

#[test]
fn unknown_bytes_are_ignored_at_one_byte_a_turn() {
    let observed = observe(service(Program::forever()), &[(1_300, bytes("zz\n\0d"))], 1_800);
    assert_eq!(told(&observed.status).last().map(String::as_str), Some("down - d"));
}

#[test]
fn any_other_signal_kills_runsv_and_the_service_and_its_record_stay() {
    let hup = Stimulus::Kill(Target::Runsv, Signal::Hup);
    let observed = observe(service(Program::forever()), &[(1_300, hup), (1_400, bytes("d"))], 2_000);
    assert_eq!(observed.exit.map(|(_, how)| how), Some(Ending::Signal(Signal::Hup)));
    assert_eq!(told(&observed.status).last().map(String::as_str), Some("run R1 u"));
    assert_eq!(signals(&observed), []);
}

#[test]
fn a_second_runsv_in_the_same_directory_exits() {
    let observed = observe(service(Program::forever()), &[(1_300, Stimulus::StartRunsv)], 2_000);
    assert_eq!(observed.exit.map(|(_, how)| how), Some(Ending::Exit(111)));
    assert_eq!(starts(&observed).len(), 1);
}

#[test]
fn a_step_of_the_wall_clock_defeats_the_throttle() {
    let forward = [(300, Stimulus::ClockStep(3_600_000))];
    assert_eq!(observe(service(Program::exits(500, 0)), &forward, 900).sleeps.len(), 0);
    let back = [(1_000, Stimulus::ClockStep(-3_600_000))];
    assert_eq!(observe(service(Program::exits(1_500, 0)), &back, 2_000).sleeps.len(), 1);
}

#[test]
fn a_frozen_runsv_obeys_once_it_continues() {
    let stimuli = [
        (1_200, Stimulus::Kill(Target::Runsv, Signal::Stop)),
        (1_300, bytes("d")),
        (1_800, Stimulus::Kill(Target::Runsv, Signal::Cont)),
    ];
    let observed = observe(service(Program::forever()), &stimuli, 2_500);
    let obeyed = observed.status.iter().find(|seen| !seen.record.want_up).map(|seen| seen.t_ms);
    assert!(obeyed.is_some_and(|at| (1_800..1_810).contains(&at)), "{obeyed:?}");
}

#[test]
fn the_same_scenario_gives_the_same_answer() {
    let mut files = service(Program::exits(300, 0));
    files.log = Some(LogFiles::from(Program::exits(700, 0)));
    let once = observe(files.clone(), &[(500, bytes("tdu"))], 5_000);
    assert_eq!(once, observe(files, &[(500, bytes("tdu"))], 5_000));
}
