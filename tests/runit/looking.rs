//! `doctor` in situations in which bad advice does harm, and `at`, which asks a modem beside everything else.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use cellscan_sim::pty::PtyModem;
use cellscan_tests::support::{Workbench, binaries};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::by_hand::ByHand;
use super::doctor::{doctor, must_say, run, sound, up};
use super::ends::must_be_up_again;
use super::lease::abandoned_in;
use super::running::{Running, quick_modem, run_dir, scan, text};
use super::{SCAN, SOON};

fn at(words: &[&str]) -> Output {
    binaries::cellscan().arg("at").args(words).output().expect("the built cellscan starts")
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn at_shows_each_answer_and_ends_with_the_first_command_that_fails() {
    let modem = PtyModem::spawn(quick_modem(), 7, None).expect("a modem");
    let port = modem.path();
    let port = port.to_str().expect("UTF-8");
    let asked = at(&[port, "AT+CSQ", "AT+COPS?"]);
    assert_eq!(asked.status.code(), Some(0), "{}", error(&asked));
    let said = text(&asked);
    assert_eq!(said.matches("OK\n").count(), 2, "{said}");
    assert!(said.starts_with("+CSQ: ") && said.contains("+COPS: 0,"), "{said}");
    let refused = at(&[port, "AT+NOSUCH", "AT+CSQ"]);
    assert_eq!((refused.status.code(), text(&refused).as_str()), (Some(1), "ERROR\n"));
}

#[test]
fn at_sends_nothing_to_a_port_that_pppd_has_open() {
    let bench = up(sound().start());
    let before = bench.modem().log().len();
    let mut command = bench.cellscan();
    command.arg("at").arg(bench.port()).arg("AT").arg("--lock-dir").arg(bench.locks());
    let refused = run(command);
    assert_eq!(refused.status.code(), Some(111));
    assert!(error(&refused).contains("(pppd) has it open, and is left alone"), "{}", error(&refused));
    assert_eq!(bench.modem().log().len(), before, "nothing was sent");
}

#[test]
fn noise_on_the_line_is_told_with_the_speed_as_its_likely_cause() {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("it is ours");
    let port = ptsname(&master, Vec::new()).expect("it has a name").into_string().expect("UTF-8");
    let mut line = File::from(master);
    // Whatever comes is answered as by a modem at another speed, until the other end of the line is closed.
    let modem = std::thread::spawn(move || {
        let (mut buf, mut heard) = ([0; 64], false);
        loop {
            match line.read(&mut buf) {
                Ok(count) if count > 0 => {
                    heard = true;
                    let _closed = line.write_all(b"\xf0\x00\xfe\x80\r");
                }
                Ok(_) | Err(_) if heard => return,
                // It is not open yet.
                Ok(_) | Err(_) => std::thread::yield_now(),
            }
        }
    });
    let asked = at(&[&port, "AT"]);
    assert_eq!(asked.status.code(), Some(111));
    assert!(error(&asked).contains("the speed may be another (--baud)"), "{}", error(&asked));
    modem.join().expect("no panic");
}

#[test]
fn during_a_scan_doctor_names_it_and_advises_nobody_to_end_it() {
    let mut modem = quick_modem();
    modem.delays.search = 20_000;
    let bench = up(Workbench::new().modem(modem).start());
    let before = bench.wait_for_holder(SOON, None);
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    let looked = run(doctor(&bench));
    must_say(
        &looked,
        0,
        &[
            ("ok       port holder", "(cellscan) has"),
            ("ok       port holder", "for a scan"),
            ("ok       status", "has it for a scan"),
            ("ok       lease", "in hand"),
        ],
    );
    assert!(!text(&looked).contains("end it"), "{}", text(&looked));
    scan.signal(rustix::process::Signal::INT);
    let _ended = scan.end();
    must_be_up_again(&bench, before);
}

#[test]
fn an_orphaned_lease_of_a_service_that_is_down_is_an_error_with_its_command() {
    let (bench, before, _pid) = abandoned_in("3");
    let looked = run(doctor(&bench));
    let restore = format!("`cellscan restore --run-dir {}`", run_dir(&bench).display());
    must_say(&looked, 1, &[("error    lease", restore.as_str())]);
    assert!(text(&looked).starts_with("error    "), "what is wrong comes first: {}", text(&looked));
    let mut command = bench.cellscan();
    command.arg("restore").arg("--run-dir").arg(run_dir(&bench));
    assert_eq!(run(command).status.code(), Some(0));
    must_be_up_again(&bench, before);
}

#[test]
fn a_pppd_without_a_supervisor_is_no_error() {
    let by_hand = ByHand::start(Workbench::new().modem(quick_modem()));
    let mut command = by_hand.bench.cellscan();
    command.args(["doctor", "--link", "none", "--port"]).arg(by_hand.bench.port());
    command.arg("--lock-dir").arg(by_hand.bench.locks()).arg("--run-dir").arg(run_dir(&by_hand.bench));
    let first = by_hand.first;
    must_say(
        &run(command),
        0,
        &[
            ("warning  service", "scan with --backend unsupervised --start-command"),
            ("ok       port holder", "without a supervisor"),
        ],
    );
    let ended = Running::start(by_hand.scan()).end();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.lines);
    by_hand.must_be_started_again(first);
}

/// As after a reboot, with locks on a disk: the number in the lock is that of another process now.
#[test]
fn a_lock_of_an_earlier_process_with_a_used_number_keeps_no_scan_out() {
    let bench = up(Workbench::new().modem(quick_modem()).start());
    let before = bench.wait_for_holder(SOON, None);
    let mut other = Command::new("sleep").arg("1000").spawn().expect("sleep starts");
    let name = bench.port().to_string_lossy().trim_start_matches('/').replace('/', "_");
    let lock: PathBuf = bench.locks().join(format!("LCK..{name}"));
    std::fs::write(&lock, format!("{:>10}\n", other.id())).expect("it is ours");
    let old = SystemTime::now() - Duration::from_secs(86_400);
    let file = File::options().write(true).open(&lock).expect("it is ours");
    file.set_modified(old).expect("it is ours");
    must_say(&run(doctor(&bench)), 0, &[("warning  port lock", "another has its number now")]);
    let ended = Running::start(scan(&bench)).end();
    ended.must_be_complete(&bench);
    assert!(other.try_wait().is_ok_and(|ended| ended.is_none()), "it is left alone");
    other.kill().and_then(|()| other.wait()).expect("it is ours");
    must_be_up_again(&bench, before);
    bench.wait_until(SCAN, "its lock is gone", || !lock.exists());
}

#[test]
fn a_scan_that_does_not_look_at_the_link_never_says_that_it_is_up() {
    let bench = up(Workbench::new().modem(quick_modem()).start());
    let before = bench.wait_for_holder(SOON, None);
    let output = run(scan(&bench));
    let said = format!("{}{}", text(&output), error(&output));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("the link is not looked at") && !said.contains("link up"), "{said}");
    must_be_up_again(&bench, before);
}

#[test]
fn each_line_of_the_modem_is_shown_while_the_scan_goes_on() {
    let mut modem = quick_modem();
    modem.delays.search = 20_000;
    let bench = up(Workbench::new().modem(modem).start());
    let before = bench.wait_for_holder(SOON, None);
    let mut command = scan(&bench);
    command.arg("-vv");
    let scan = Running::start(command);
    let shown = |part: &str| scan.lines().iter().any(|line| line.contains(part));
    bench.wait_until(SOON, "the search is shown", || shown(" > AT+COPS=?"));
    assert!(!shown(" < +COPS: ("), "long before its answer");
    assert!(shown(" sv ask down"), "{:#?}", scan.lines());
    scan.signal(rustix::process::Signal::INT);
    let _ended = scan.end();
    must_be_up_again(&bench, before);
}
