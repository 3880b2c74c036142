use super::*;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn wrong_of(settings: Settings) -> String {
    Config::new(&settings).err().map(|wrong| wrong.to_string()).unwrap_or_default()
}

#[test]
fn without_any_setting_it_is_for_this_machine_alone() -> Result<(), Wrong> {
    let config = Config::new(&Settings::default())?;
    assert_eq!(config.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url.origin(), "http://localhost:8080");
    assert_eq!(config.registration, Registration::Open);
    assert!(config.is_local() && config.cluster.is_none() && config.secrets.is_empty());
    Ok(())
}

#[test]
fn registration_is_by_link_as_soon_as_others_can_reach_the_server() -> Result<(), Wrong> {
    let wide = Settings { bind: some("0.0.0.0:8080"), ..Settings::default() };
    let named = Settings { public_url: some("https://chat.example"), ..Settings::default() };
    let both = Settings { registration: some("open"), ..wide.clone() };
    assert_eq!(Config::new(&wide)?.registration, Registration::Link);
    assert_eq!(Config::new(&named)?.registration, Registration::Link);
    assert_eq!(Config::new(&both)?.registration, Registration::Open);
    assert!(!Config::new(&wide)?.is_local() && !Config::new(&named)?.is_local());
    Ok(())
}

#[test]
fn a_port_that_was_left_open_is_known_once_bound() -> Result<(), Wrong> {
    let config = Config::new(&Settings { bind: some("127.0.0.1:0"), ..Settings::default() })?;
    let config = config.bound_to(SocketAddr::from(([127, 0, 0, 1], 4321)));
    assert_eq!(config.public_url.origin(), "http://localhost:4321");
    assert!(config.is_local());
    Ok(())
}

#[test]
fn a_wrong_setting_is_told_in_one_line_with_name_expectation_and_finding() {
    let usual = Settings::default;
    for (settings, name, found) in [
        (Settings { bind: some("8080"), ..usual() }, "PARLOR_BIND", "8080"),
        (Settings { public_url: some("chat.example"), ..usual() }, "PARLOR_PUBLIC_URL", "chat.example"),
        (Settings { registration: some("maybe"), ..usual() }, "PARLOR_REGISTRATION", "maybe"),
        (
            Settings { trusted_proxies: some("10.0.0.0/8,proxy"), ..usual() },
            "PARLOR_TRUSTED_PROXIES",
            "proxy",
        ),
        (Settings { post_rate: some("0"), ..usual() }, "PARLOR_POST_RATE", "0"),
        (Settings { login_tries: some("many\nmore"), ..usual() }, "PARLOR_LOGIN_TRIES", "many\\nmore"),
        (Settings { max_body: some("-1"), ..usual() }, "PARLOR_MAX_BODY", "-1"),
        (Settings { max_file: some("4g"), ..usual() }, "PARLOR_MAX_FILE", "4g"),
        (Settings { max_files: some("0"), ..usual() }, "PARLOR_MAX_FILES", "0"),
        (Settings { upload_kept: some("0"), ..usual() }, "PARLOR_UPLOAD_KEPT", "0"),
        (Settings { header_timeout: some("9999999"), ..usual() }, "PARLOR_HEADER_TIMEOUT", "9999999"),
        (Settings { mesh_people: some("9"), ..usual() }, "PARLOR_MESH_PEOPLE", "9"),
        (Settings { log_format: some("xml"), ..usual() }, "PARLOR_LOG_FORMAT", "xml"),
        (Settings { log: some("info,=,"), ..usual() }, "PARLOR_LOG", "info,=,"),
    ] {
        let line = wrong_of(settings);
        assert!(line.starts_with(&format!("{name}: expected ")), "{line}");
        assert!(line.contains(&format!("found \"{found}\"")), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}

#[test]
fn a_cluster_needs_both_addresses_and_a_secret() -> Result<(), Wrong> {
    let mongo = Settings { mongodb_url: some("mongodb://u:hunter2@db/parlor"), ..Settings::default() };
    let redis = Settings { redis_url: some("redis://cache"), ..Settings::default() };
    let both = Settings { redis_url: some("redis://cache"), ..mongo.clone() };
    assert!(wrong_of(mongo).starts_with("PARLOR_REDIS_URL: expected a URL, since PARLOR_MONGODB_URL is set"));
    assert!(wrong_of(redis).starts_with("PARLOR_MONGODB_URL: expected a URL, since PARLOR_REDIS_URL is set"));
    assert!(wrong_of(both.clone()).starts_with("PARLOR_SECRET: expected 32 characters"));
    let whole = Settings { secret: some(&"s".repeat(32)), ..both };
    assert!(Config::new(&whole)?.cluster.is_some());
    Ok(())
}

#[test]
fn secrets_are_never_told() -> Result<(), Wrong> {
    let short = Settings { secret: some("hunter2"), ..Settings::default() };
    assert!(!wrong_of(short).contains("hunter2"));
    let url = Settings { mongodb_url: some("http://u:hunter2@db"), ..Settings::default() };
    assert!(!wrong_of(url).contains("hunter2"));
    let first = format!("hunter2{}", "x".repeat(32));
    let two = Settings { secret: some(&format!("{first}, {}", "y".repeat(40))), ..Settings::default() };
    let config = Config::new(&two)?;
    assert_eq!(config.secrets.iter().map(Secret::reveal).next(), Some(first.as_str()));
    assert_eq!(config.secrets.len(), 2);
    assert!(!format!("{config:?}").contains("hunter2"));
    Ok(())
}

#[test]
fn an_empty_setting_counts_as_not_set() -> Result<(), Wrong> {
    let empty =
        Settings { mongodb_url: some(""), redis_url: some(" "), bind: some(""), ..Settings::default() };
    assert!(Config::new(&empty)?.cluster.is_none());
    Ok(())
}
