use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn record(port: &str) -> Selected {
    Selected {
        version: VERSION,
        carrier: "310410".to_owned(),
        since_unix_ms: 1_700_000_000_123,
        unlock_after_s: 600,
        dark: None,
        port: port.into(),
        baud: 115_200,
        ppp_port: "/dev/ttyACM0".into(),
        service: Some("pppd".to_owned()),
        backend: Backend::Auto,
        start: Vec::new(),
        link: Some("ppp*".to_owned()),
        lock_dirs: vec!["/var/lock".into()],
        run_dir: "/run/cellscan".into(),
    }
}

fn file(dir: &Path, port: &str) -> PathBuf {
    dir.join(name_of(Path::new(port)))
}

const PORT: &str = "/dev/ttyACM2";

#[test]
fn a_record_is_read_as_it_was_written_and_each_modem_has_its_own() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("state");
    assert_eq!(Selected::read(&dir, Path::new(PORT)).unwrap(), None, "there is no directory");
    Selected::remove(&dir, Path::new(PORT)).unwrap();
    let (first, second) = (record(PORT), Selected { carrier: "311480".into(), ..record("/dev/ttyACM9") });
    first.write(&dir).unwrap();
    second.write(&dir).unwrap();
    assert_eq!(Selected::read(&dir, Path::new(PORT)).unwrap(), Some(first.clone()));
    let mut found: Vec<String> =
        Selected::all(&dir).unwrap().into_iter().map(|(_, record)| record.unwrap().carrier).collect();
    found.sort();
    assert_eq!(found, ["310410", "311480"]);
    assert_eq!(fs::metadata(file(&dir, PORT)).unwrap().permissions().mode() & 0o777, 0o600);
    Selected::remove(&dir, Path::new(PORT)).unwrap();
    assert_eq!(Selected::read(&dir, Path::new(PORT)).unwrap(), None);
    assert_eq!(Selected::all(&dir).unwrap().len(), 1);
}

#[test]
fn what_was_seen_is_noted_for_the_same_selection_and_boot_only() {
    let dir = tempfile::tempdir().unwrap();
    let now = crate::clock::Clock::new().now();
    let read = || Selected::read(dir.path(), Path::new(PORT)).unwrap();
    let first = record(PORT);
    first.note(dir.path(), Some(now)).unwrap();
    assert_eq!(read(), None, "there is nothing to note it in");
    first.write(dir.path()).unwrap();
    first.note(dir.path(), Some(now)).unwrap();
    let noted = read().unwrap();
    assert_eq!((noted.dark_since(now), noted.rule(now).dark_since()), (Some(now), Some(now)));
    assert_eq!(noted.dark_since(Instant::ZERO), None, "it would be in the future");
    let of_another_boot =
        Selected { dark: Some(Dark { boot: "another".into(), since_boot_ms: 1 }), ..noted.clone() };
    assert_eq!(of_another_boot.dark_since(now), None);
    let later = Selected { since_unix_ms: 1_700_000_999_999, ..record(PORT) };
    later.write(dir.path()).unwrap();
    noted.note(dir.path(), None).unwrap();
    first.note(dir.path(), Some(now)).unwrap();
    assert_eq!(read(), Some(later.clone()), "a later selection is not what was looked at");
    later.note(dir.path(), Some(now)).unwrap();
    read().unwrap().note(dir.path(), None).unwrap();
    assert_eq!(read(), Some(later));
}

#[test]
fn hostile_content_is_an_error_that_says_what_was_found() {
    let good = serde_json::to_string(&record(PORT)).unwrap();
    assert_eq!(Selected::parse(good.as_bytes()), Ok(record(PORT)));
    let wide = good.replacen('{', "{\"more\":[1,2],", 1);
    assert_eq!(Selected::parse(wide.as_bytes()), Ok(record(PORT)), "a key of a later version");
    let locks = vec!["\"/l\""; 17].join(",");
    for (from, to, found) in [
        ("\"version\":1", "\"version\":2", "found version 2, wanted 1"),
        ("\"version\":1", "\"version\":-1", "invalid value"),
        ("\"310410\"", "\"310410\\u001b[2J\"", "found the carrier"),
        ("\"310410\"", "\"\"", "found the carrier"),
        ("\"/dev/ttyACM2\"", "\"ttyACM2\"", "wanted an absolute path"),
        ("\"/run/cellscan\"", "\"/run/\\n\"", "wanted an absolute path"),
        ("\"ppp*\"", "\"p\\u0007\"", "found the name"),
        ("\"pppd\"", "\"\"", "found the name"),
        ("\"auto\"", "\"telepathy\"", "unknown variant"),
        ("\"baud\":115200", "\"baud\":4294967296", "invalid value"),
        ("\"/var/lock\"", &locks, "found 17 lock directories"),
        ("\"carrier\"", "\"carier\"", "missing field"),
        ("\"dark\":null", "\"dark\":{\"boot\":\"\",\"since_boot_ms\":1}", "found the name"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Selected::parse(good.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(error.contains(found), "{to}: {error}");
    }
    let nested = "[".repeat(20_000);
    for bad in ["", "{}", "null", "[1]", "\u{0}", &nested, &good[..good.len() - 2]] {
        assert!(Selected::parse(bad.as_bytes()).is_err(), "{bad:.20}");
    }
}

#[test]
fn a_file_that_is_no_record_of_its_name_or_not_ours_alone_is_refused_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    record(PORT).write(dir.path()).unwrap();
    let (ours, other) = (file(dir.path(), PORT), file(dir.path(), "/dev/ttyACM9"));
    fs::copy(&ours, &other).unwrap();
    let found = Selected::all(dir.path()).unwrap();
    let errors: Vec<String> =
        found.iter().filter_map(|(_, record)| Some(record.as_ref().err()?.to_string())).collect();
    assert!(errors.len() == 1 && errors[0].ends_with("its name is that of another port"), "{errors:?}");
    assert!(other.exists());
    fs::set_permissions(&ours, fs::Permissions::from_mode(0o666)).unwrap();
    let error = Selected::read(dir.path(), Path::new(PORT)).unwrap_err();
    assert!(matches!(error, SelectedError::Dir(OwnError::NotOurs { .. })), "{error}");
    fs::write(&ours, vec![b' '; 40_000]).unwrap();
    fs::set_permissions(&ours, fs::Permissions::from_mode(0o600)).unwrap();
    let error = Selected::read(dir.path(), Path::new(PORT)).unwrap_err();
    assert!(matches!(error, SelectedError::Dir(OwnError::TooLong { .. })), "{error}");
    fs::remove_file(&ours).unwrap();
    fs::create_dir(&ours).unwrap();
    assert!(Selected::read(dir.path(), Path::new(PORT)).is_err());
}

#[test]
fn nothing_is_noted_while_another_process_writes() {
    let dir = tempfile::tempdir().unwrap();
    record(PORT).write(dir.path()).unwrap();
    let held = lock(&OwnDir::open(dir.path()).unwrap().unwrap()).unwrap();
    record(PORT).note(dir.path(), Some(Instant::from_millis(1))).unwrap();
    assert_eq!(Selected::read(dir.path(), Path::new(PORT)).unwrap(), Some(record(PORT)));
    drop(held);
    record(PORT).note(dir.path(), Some(Instant::from_millis(1))).unwrap();
    assert!(Selected::read(dir.path(), Path::new(PORT)).unwrap().unwrap().dark.is_some());
}
