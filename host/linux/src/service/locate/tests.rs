//! Tests of the search by name.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

fn roots(services: &[&str]) -> (TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    for service in services {
        let service = dir.path().join(service);
        fs::create_dir_all(&service).unwrap();
        fs::write(service.join("run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(service.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let roots = vec![dir.path().join("service"), dir.path().join("sv")];
    (dir, roots)
}

#[test]
fn one_service_under_two_names_is_one() {
    let (dir, roots) = roots(&["sv/pppd", "sv/getty"]);
    fs::create_dir(dir.path().join("service")).unwrap();
    symlink("../sv/pppd", dir.path().join("service/pppd")).unwrap();
    let found = find_service(None, &roots).unwrap();
    assert_eq!(found, Some(dir.path().join("service/pppd")), "the name that runsvdir uses");
}

fn ambiguous(wanted: Option<&str>, roots: &[PathBuf]) -> Vec<PathBuf> {
    let found = find_service(wanted, roots);
    let Err(ServiceError::Ambiguous { found }) = found else { panic!("{found:?}") };
    found
}

#[test]
fn several_services_are_listed_and_not_chosen_from() {
    let (dir, roots) =
        roots(&["service/pppd-wan", "service/ppp", "service/pppd", "service/pppoe", "service/mpppd"]);
    let found = ambiguous(None, &roots);
    let of = |name: &str| dir.path().join("service").join(name);
    assert_eq!(found, [of("ppp"), of("pppd"), of("pppd-wan")]);
    let said = ServiceError::Ambiguous { found }.to_string();
    assert!(said.starts_with("several services could be meant: ") && said.contains("/service/pppd-wan"));
    assert_eq!(find_service(Some("pppd-wan"), &roots).unwrap(), Some(of("pppd-wan")));
}

#[test]
fn one_name_in_two_watched_directories_is_not_chosen_from() {
    let (dir, _) = roots(&["one/pppd", "two/pppd"]);
    let roots = [dir.path().join("one"), dir.path().join("two")];
    for wanted in [None, Some("pppd")] {
        assert_eq!(ambiguous(wanted, &roots), roots.clone().map(|root| root.join("pppd")));
    }
    assert_eq!(find_service(Some("pppd"), &roots[1..]).unwrap(), Some(roots[1].join("pppd")));
}

#[test]
fn a_definition_that_nobody_supervises_counts_where_there_is_nothing_else() {
    let (dir, roots) = roots(&["service/pppd", "sv/pppd", "sv/pppd-backup"]);
    let enabled = dir.path().join("service/pppd");
    assert_eq!(find_service(None, &roots).unwrap().as_ref(), Some(&enabled));
    assert_eq!(find_service(Some("pppd"), &roots).unwrap().as_ref(), Some(&enabled));
    fs::remove_dir_all(&enabled).unwrap();
    assert_eq!(ambiguous(None, &roots).len(), 2);
    fs::remove_dir_all(dir.path().join("sv/pppd-backup")).unwrap();
    assert_eq!(find_service(None, &roots).unwrap(), Some(dir.path().join("sv/pppd")));
}

#[test]
fn a_definition_that_is_supervised_counts_as_any_other() {
    let (dir, roots) = roots(&["service/pppd", "sv/pppd-lte"]);
    let supervise = dir.path().join("sv/pppd-lte/supervise");
    fs::create_dir(&supervise).unwrap();
    let mut readers = Vec::new();
    for fifo in ["ok", "control"] {
        let made = std::process::Command::new("mkfifo").arg(supervise.join(fifo)).status().unwrap();
        assert!(made.success());
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK;
        let none = rustix::fs::Mode::empty();
        readers.push(rustix::fs::open(supervise.join(fifo), flags, none).unwrap());
    }
    assert_eq!(ambiguous(None, &roots).len(), 2);
    drop(readers);
    assert_eq!(find_service(None, &roots).unwrap(), Some(dir.path().join("service/pppd")));
}

#[test]
fn what_was_named_has_to_be_there() {
    let (dir, roots) = roots(&["service/pppd"]);
    for wanted in ["modem", "", "./nothing", "/nowhere/pppd", "pppd/nothing"] {
        let found = find_service(Some(wanted), &roots);
        assert!(
            matches!(found, Err(ServiceError::Runit(RunitError::NoService { .. }))),
            "{wanted:?}: {found:?}"
        );
    }
    let above = find_service(Some(".."), &roots).unwrap().unwrap();
    assert!(!above.starts_with(dir.path()), "as sv has it, what begins with a dot is a path: {above:?}");
    let path = dir.path().join("service/pppd");
    assert_eq!(find_service(path.to_str(), &[]).unwrap(), Some(path));
    assert_eq!(find_service(None, &[]).unwrap(), None);
    assert_eq!(find_service(None, &[dir.path().join("nothing")]).unwrap(), None);
}

#[test]
fn a_directory_without_a_run_script_is_no_candidate() {
    let (dir, roots) = roots(&["service/pppd", "service/ppp"]);
    fs::set_permissions(dir.path().join("service/ppp/run"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(find_service(None, &roots).unwrap(), Some(dir.path().join("service/pppd")));
    assert_eq!(
        find_service(Some("ppp"), &roots).unwrap(),
        Some(dir.path().join("service/ppp")),
        "but named it is"
    );
}

#[test]
fn without_service_and_port_there_is_nothing_to_choose() {
    let options = LocateOptions { roots: Vec::new(), running: false, ..LocateOptions::new() };
    assert!(matches!(choose(options), Err(ServiceError::Runit(RunitError::NoService { .. }))));
    let ppp_port = Some("/dev/ttyUSB0".into());
    let options = LocateOptions { roots: Vec::new(), running: false, ppp_port, ..LocateOptions::new() };
    let choice = choose(options).unwrap();
    assert!(choice.why.starts_with("unsupervised: "), "{}", choice.why);
}
