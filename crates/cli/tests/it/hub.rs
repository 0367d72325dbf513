//! A tiny real HTTP server that answers what a test recorded, and one call of the command line against it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use watchtower_cli::{Call, Environment, Exit, Streams, root, run};

/// One request that arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// With the query.
    pub path: String,
    pub token: Option<String>,
    pub body: Value,
}

type Answer = dyn Fn(&Request) -> (u16, Value) + Send + Sync;

pub struct FakeHub {
    pub url: String,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

impl FakeHub {
    /// Answers every request by `answer`: a status and a JSON body, none for `null`.
    pub fn start(answer: impl Fn(&Request) -> (u16, Value) + Send + Sync + 'static) -> FakeHub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (seen, answer): (_, Arc<Answer>) = (requests.clone(), Arc::new(answer));
        // Lives as long as the test process; each connection has its own thread.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (seen.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        FakeHub { url, requests }
    }

    /// `METHOD path` of everything that arrived.
    pub fn log(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|r| format!("{} {}", r.method, r.path)).collect()
    }

    pub fn bodies(&self, method: &str) -> Vec<Value> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|r| r.method == method).map(|r| r.body.clone()).collect()
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Request>>, answer: &Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(request) = read(&mut reader) {
        let (status, body) = answer(&request);
        let session =
            if request.path.ends_with("/login") { "set-cookie: watchtower=wts_c1; HttpOnly\r\n" } else { "" };
        seen.lock().unwrap().push(request);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let kind = if status < 400 { "application/json" } else { "application/problem+json" };
        let head = format!(
            "HTTP/1.1 {status} X\r\n{session}content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        if stream.write_all(format!("{head}{text}").as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace().map(String::from);
    let (method, path) = (words.next()?, words.next()?);
    let (mut length, mut token) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        let (name, value) = header.trim().split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => token = Some(value.trim().to_string()),
            "transfer-encoding" => panic!("a body of unknown length"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, token, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

/// A writer that a test can read afterwards.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[derive(Debug)]
pub struct Outcome {
    pub exit: Exit,
    pub out: String,
    pub err: String,
}

impl Outcome {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("stdout is not JSON: {e}: {self:?}"))
    }

    /// The one error of stderr.
    pub fn error(&self) -> Value {
        let lines: Vec<&str> = self.err.lines().collect();
        assert_eq!(lines.len(), 1, "{self:?}");
        serde_json::from_str::<Value>(lines[0]).unwrap()["error"].take()
    }
}

/// Runs `watchtower ARGS` in this process, away from the user's own files.
pub fn watchtower(url: &str, args: &[&str], input: &str) -> Outcome {
    let home = tempfile::tempdir().unwrap();
    watchtower_at_home(home.path(), url, args, input)
}

pub fn watchtower_at_home(home: &std::path::Path, url: &str, args: &[&str], input: &str) -> Outcome {
    let (out, err) = (Captured::default(), Captured::default());
    let mut env = Environment::default();
    env.0.insert("WATCHTOWER_URL".into(), url.into());
    env.0.insert("XDG_CONFIG_HOME".into(), home.display().to_string());
    let streams = Streams {
        input: Box::new(std::io::Cursor::new(input.as_bytes().to_vec())),
        out: Box::new(out.clone()),
        err: Box::new(err.clone()),
        input_tty: false,
        out_tty: false,
        err_tty: false,
    };
    let args = std::iter::once("watchtower").chain(args.iter().copied()).map(Into::into).collect();
    let exit = run(Call { env, streams, root: root(Vec::new()) }, args);
    Outcome { exit, out: out.text(), err: err.text() }
}
