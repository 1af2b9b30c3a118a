//! Real servers, started by `tests/directus/server.py`, and their REST API.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

pub const ADMIN: &str = "admin-static-token";
pub const READER: &str = "reader-token";
pub const V12: &str = "12.4.0";
pub const V11: &str = "11.17.4";

/// A running server. It ends when it is dropped, and when this process does.
pub struct Server {
    pub url: String,
    pub port: u16,
    /// Which server of the controller this is, as its commands name it.
    name: &'static str,
    control: Arc<Mutex<Control>>,
}

struct Control {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Control {
    /// Runs a script of `tests/directus/` that takes commands on its standard input. Also
    /// returns its first line, which describes the servers that it started.
    fn start(script: &str, version: &str, env: &[(&str, &str)]) -> (Arc<Mutex<Control>>, Value) {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/directus");
        let mut command = Command::new("python3");
        command.arg(format!("{directory}/{script}"));
        command.args(["serve", "--version", version]);
        for (name, value) in env {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut control = Control {
            child,
            stdin,
            stdout,
        };
        let ready = control.line();
        (Arc::new(Mutex::new(control)), ready)
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.stdout
            .read_line(&mut line)
            .expect("the server's controller is there");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line:?}"))
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // The script stops its servers when its input ends.
        self.stdin = None;
        let _ = self.child.wait();
    }
}

impl Server {
    pub fn start(version: &str, env: &[(&str, &str)]) -> Server {
        let (control, ready) = Control::start("server.py", version, env);
        Server::of(control, &ready, "")
    }

    /// Two servers on one database, joined as the nodes of a cluster.
    pub fn cluster(version: &str, env: &[(&str, &str)]) -> [Server; 2] {
        let (control, ready) = Control::start("cluster.py", version, env);
        let node = |n: usize, name| Server::of(Arc::clone(&control), &ready["nodes"][n], name);
        [node(0, " 0"), node(1, " 1")]
    }

    fn of(control: Arc<Mutex<Control>>, ready: &Value, name: &'static str) -> Server {
        let port = ready["port"].as_u64().expect("a port") as u16;
        Server {
            url: format!("http://127.0.0.1:{port}"),
            port,
            name,
            control,
        }
    }

    /// The server that most tests share.
    pub fn shared() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| Server::start(V12, &[]))
    }

    /// The same of version 11.
    pub fn shared_v11() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| Server::start(V11, &[]))
    }

    /// Sends a command: stop, kill, start, freeze or thaw.
    pub fn control(&self, command: &str) {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let stdin = control.stdin.as_mut().expect("still open");
        writeln!(stdin, "{command}{}", self.name).expect("it listens");
        let answer = control.line();
        assert_eq!(answer["error"], Value::Null, "{answer}");
    }

    /// A REST request; panics where the server does not answer with success.
    pub fn rest(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        self.rest_as(ADMIN, method, path, body)
            .unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    pub fn rest_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .allow_non_standard_methods(true)
            .build()
            .new_agent();
        let text = body.map(|body| body.to_string()).unwrap_or_default();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Content-Type", "application/json");
        if !token.is_empty() {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request.body(text).map_err(|e| e.to_string())?;
        let mut answer = agent.run(request).map_err(|e| e.to_string())?;
        let text = answer
            .body_mut()
            .read_to_string()
            .map_err(|e| e.to_string())?;
        if !answer.status().is_success() {
            return Err(format!("{}: {text}", answer.status()));
        }
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(value["data"].clone())
    }

    pub fn create(&self, collection: &str, data: Value) -> Value {
        self.rest("POST", &format!("/items/{collection}"), Some(data))
    }

    pub fn update(&self, collection: &str, key: &Value, data: Value) -> Value {
        self.rest(
            "PATCH",
            &format!("/items/{collection}/{}", text(key)),
            Some(data),
        )
    }

    pub fn delete(&self, collection: &str, key: &Value) {
        self.rest(
            "DELETE",
            &format!("/items/{collection}/{}", text(key)),
            None,
        );
    }

    /// All of a collection's items.
    pub fn read(&self, collection: &str) -> Vec<Value> {
        let all = self.rest("GET", &format!("/items/{collection}?limit=-1"), None);
        all.as_array().cloned().unwrap_or_default()
    }

    /// A JWT of the ordinary user.
    pub fn login(&self) -> Value {
        let who = json!({"email": "reader@example.com", "password": "reader-password"});
        self.rest_as("", "POST", "/auth/login", Some(who))
            .expect("the login works")
    }
}

/// A key as it is written in a URL's path.
pub fn text(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}
