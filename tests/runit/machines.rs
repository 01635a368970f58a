//! Machines without runit, without a service or without `sv`: each in a root directory of its own.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use cellscan::service::locate::SERVICE_ROOTS;
use cellscan_sim::pty::PtyModem;
use cellscan_tests::support::skip::busybox_or_skipped;
use cellscan_tests::support::{Jail, StandIn, Workbench, binaries, skipped};

use super::SOON;
use super::doctor::must_say;
use super::ends::must_be_up_again;
use super::running::{quick_modem, run_dir, text};

/// A machine with `cellscan` and directories for its files; `None`, and a SKIPPED line, where none can be made.
fn machine() -> Option<Jail> {
    let Some(mut jail) = Jail::new() else {
        skipped("this user may not make a mount namespace");
        return None;
    };
    jail.bind(Path::new(binaries::cellscan().get_program()), Path::new("/usr/bin/cellscan"));
    for dir in ["/run/lock", "/var/lock", "/tmp"] {
        let _made = jail.dir(dir);
    }
    Some(jail)
}

fn doctor(jail: &Jail, more: &[&str]) -> Output {
    let words = ["doctor", "--link", "none"].into_iter().chain(more.iter().copied());
    jail.run("/usr/bin/cellscan", words.map(OsString::from))
}

fn which(program: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").expect("there is one");
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file());
    found.expect("it is installed")
}

#[test]
fn without_runit_doctor_reports_no_service_and_checks_the_rest() {
    let Some(jail) = machine() else { return };
    let modem = PtyModem::spawn(quick_modem(), 7, None).expect("a modem");
    let port = modem.path().to_str().expect("UTF-8").to_owned();
    let output = doctor(&jail, &["--port", &port]);
    must_say(
        &output,
        1,
        &[
            ("ok       sv", "no sv program; not needed"),
            (
                "ok       directories",
                "/etc/service (not there), /var/service (not there), /service (not there)",
            ),
            ("ok       directories", "/run/runit/service (not there), "),
            ("ok       directories", "/etc/sv (not there), /etc/runit/sv (not there)"),
            ("error    service", "no service is called pppd, ppp, pppd-* or ppp-*"),
            ("error    service", "--backend unsupervised --start-command"),
            ("ok       lease", "none, /run/cellscan is not there yet"),
            ("ok       lock directory", ""),
            ("ok       modem", "answers AT with OK"),
            ("1 error, ", ""),
        ],
    );
    let named = doctor(&jail, &["--service", "pppd", "--port", &port]);
    must_say(&named, 1, &[("error    service", "pppd: no such service directory")]);
}

#[test]
fn with_runit_and_without_a_service_of_pppd_doctor_reports_one_error() {
    let Some(mut jail) = machine() else { return };
    jail.bind(&which("sv"), Path::new("/usr/bin/sv"));
    let _another = jail.dir("/etc/service/getty-tty1/supervise");
    let output = doctor(&jail, &[]);
    must_say(
        &output,
        1,
        &[
            ("ok       sv", "/usr/bin/sv, runit's"),
            ("ok       directories", "/etc/service, /var/service (not there)"),
            ("error    service", "pppd-* or ppp-*; name it with --service"),
            ("warning  port", "no port was named"),
            ("1 error, ", ""),
        ],
    );
}

/// A service in a directory of a machine.
fn place(jail: &Jail, service: &str) {
    let run = jail.dir(service).join("run");
    std::fs::write(&run, "#!/bin/sh\nexec pppd nodetach lock\n").expect("it is ours");
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}

#[test]
fn the_service_is_found_in_every_usual_directory() {
    for root in SERVICE_ROOTS {
        for name in ["pppd", "ppp", "pppd-wan", "ppp-wwan0"] {
            let Some(jail) = machine() else { return };
            let service = format!("{root}/{name}");
            place(&jail, &service);
            place(&jail, &format!("{root}/getty"));
            let found = format!("service: {service}");
            let line = ("error    supervision", "never supervised");
            must_say(&doctor(&jail, &[]), 1, &[("ok", found.as_str()), line]);
        }
    }
}

#[test]
fn svdir_is_searched_and_of_two_services_none_is_taken() {
    let Some(mut jail) = machine() else { return };
    jail.bind(&which("env"), Path::new("/usr/bin/env"));
    let with_svdir = |more: &[&str]| {
        let words = ["SVDIR=/srv/services", "/usr/bin/cellscan", "doctor", "--link", "none"];
        jail.run("/usr/bin/env", words.iter().chain(more))
    };
    place(&jail, "/srv/services/ppp");
    must_say(&with_svdir(&[]), 1, &[("ok       service", "/srv/services/ppp")]);
    must_say(&doctor(&jail, &[]), 1, &[("error    service", "no service is called")]);
    place(&jail, "/var/service/pppd-wan");
    let both = "several services could be meant: /srv/services/ppp /var/service/pppd-wan";
    must_say(&with_svdir(&[]), 1, &[("error    service", both)]);
    must_say(&with_svdir(&["--service", "pppd-wan"]), 1, &[("ok       service", "/var/service/pppd-wan")]);
    place(&jail, "/var/service/ppp");
    let same = "several services could be meant: /srv/services/ppp /var/service/ppp;";
    must_say(&with_svdir(&["--service", "ppp"]), 1, &[("error    service", same)]);
    let named = with_svdir(&["--service", "/var/service/ppp"]);
    must_say(&named, 1, &[("ok       service", "/var/service/ppp")]);
}

#[test]
fn a_busybox_has_an_sv_if_it_lists_one() {
    let Some(busybox) = busybox_or_skipped() else { return };
    let Some(mut jail) = machine() else { return };
    jail.bind(&busybox, Path::new("/bin/busybox"));
    must_say(&doctor(&jail, &[]), 1, &[("ok       sv", "/busybox sv, busybox's")]);
    // As `busybox --install` links it, and by an unrelated name.
    jail.bind(&busybox, Path::new("/usr/sbin/sv"));
    must_say(&doctor(&jail, &[]), 1, &[("ok       sv", "/usr/sbin/sv, busybox's")]);
}

#[test]
fn a_whole_scan_with_busybox_alone() {
    let Some(busybox) = busybox_or_skipped() else { return };
    for backend in ["native", "sv"] {
        let Some(mut jail) = machine() else { return };
        jail.bind(&busybox, Path::new("/bin/busybox"));
        let pppd = StandIn { lock: true, dies_after_ms: 50, ..StandIn::default() };
        let bench = Workbench::new().modem(quick_modem()).pppd(pppd);
        let bench = bench.runsv([busybox.as_os_str(), "runsv".as_ref()]).start();
        let before = bench.wait_for_holder(SOON, None);
        bench.wait_until(SOON, "up", || bench.status().is_up());
        jail.bind(bench.root(), bench.root());
        let mut words = vec![OsString::from("scan"), "--backend".into(), backend.into()];
        for (option, value) in [
            ("--service", bench.service().to_owned()),
            ("--port", bench.port().to_owned()),
            ("--lock-dir", bench.locks().to_owned()),
            ("--state-dir", bench.root().join("state")),
            ("--run-dir", run_dir(&bench)),
            ("--link", "none".into()),
        ] {
            words.extend([option.into(), value.into_os_string()]);
        }
        let output = jail.run("/usr/bin/cellscan", words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{backend}: {said}\n{}", bench.story());
        let speaks = if backend == "sv" { "/busybox sv (busybox's) speaks to " } else { "native: " };
        assert!(said.contains(speaks), "{said}");
        assert!(text(&output).contains("Selected AT&T (310410)"), "{}", text(&output));
        must_be_up_again(&bench, before);
    }
}

#[test]
fn another_program_called_sv_is_not_used() {
    let Some(mut jail) = machine() else { return };
    jail.bind(&which("true"), Path::new("/usr/bin/sv"));
    let output = doctor(&jail, &[]);
    must_say(&output, 1, &[("warning  sv", "/usr/bin/sv, of an unknown kind")]);
    assert!(text(&output).contains("do not use scan --backend sv"), "{}", text(&output));
}
