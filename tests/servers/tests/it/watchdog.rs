use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use solent_test_servers::{PostgresServer, RedisServer};

use super::{lives, until};

/// Set for the process that is to be killed.
const VARIABLE: &str = "SOLENT_TEST_VICTIM";

/// Starts servers and tells which; then waits to be killed, if it runs for the test below.
#[tokio::test]
async fn victim_of_the_test_below() {
    if env::var_os(VARIABLE).is_none() {
        return;
    }
    let redis = RedisServer::start().await.unwrap();
    let postgres = PostgresServer::start().await.unwrap();
    let socket = redis.socket();
    let data = postgres.query("postgres", "SHOW data_directory").await;
    let data = data.unwrap()[0][0].clone().unwrap();
    for (pid, file) in [
        (redis.pid(), socket.as_path()),
        (postgres.pid(), Path::new(&data)),
    ] {
        let folder = file.parent().unwrap().display();
        println!("\nserver {} {folder}", pid.unwrap());
    }
    std::future::pending::<()>().await;
}

#[test]
fn servers_do_not_outlive_a_killed_test() {
    let mut test = Command::new(env::current_exe().unwrap())
        .args(["--exact", "watchdog::victim_of_the_test_below"])
        .arg("--nocapture")
        .env(VARIABLE, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let servers: Vec<(u32, PathBuf)> = BufReader::new(test.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| {
            let (pid, folder) = line.strip_prefix("server ")?.split_once(' ')?;
            Some((pid.parse().ok()?, folder.into()))
        })
        .take(2)
        .collect();
    assert_eq!(servers.len(), 2);
    assert!(servers.iter().all(|(pid, _)| lives(*pid)));

    test.kill().unwrap();
    test.wait().unwrap();

    for (pid, folder) in servers {
        until("the end of a server", || !lives(pid) && !folder.exists());
    }
}
