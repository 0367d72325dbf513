//! What a message says, whatever channel carries it.

use serde::{Deserialize, Serialize};
use watchtower_model::{Severity, limits::LINE_BYTES_MAX, truncate};

/// Detail lines of one message.
pub const LINES_MAX: usize = 20;
/// Links of one message.
const LINKS_MAX: usize = 5;
/// What the way to acknowledge is called, wherever it is shown.
pub(crate) const ACKNOWLEDGE: &str = "Acknowledge";
/// Bytes of output of one message.
pub const OUTPUT_BYTES_MAX: usize = 2 * 1024;

/// The incident's state that the message tells of; or that it is of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    Triggered,
    Acknowledged,
    Resolved,
    Notice,
}

impl MessageState {
    pub fn as_str(self) -> &'static str {
        match self {
            MessageState::Triggered => "triggered",
            MessageState::Acknowledged => "acknowledged",
            MessageState::Resolved => "resolved",
            MessageState::Notice => "notice",
        }
    }
}

/// The words of a channel's own templates, in the place of the hub's. Text, whatever it looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// In the place of the headline.
    pub title: Option<String>,
    /// In the place of where it is and of the details; of a webhook, the whole document.
    pub body: Option<String>,
}

/// `url` is absolute, http or https.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub label: String,
    pub url: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Absent in a test message.
    pub incident_number: Option<i64>,
    /// The same in all messages of one incident, and in those of no other of any hub.
    pub incident_key: String,
    pub title: String,
    pub severity: Severity,
    pub state: MessageState,
    pub service: String,
    pub server: Option<String>,
    /// Details, a line each: labels, values, why it was paged.
    pub lines: Vec<String>,
    pub links: Vec<Link>,
    /// Where whoever reads it can say that they have it, without signing in. Of pages alone.
    pub acknowledge_url: Option<String>,
    /// The same for buttons whose press comes back to the hub with what they hold.
    pub acknowledge_token: Option<String>,
    /// Where the digits pressed in a call go, if it is to ask for any.
    pub digits_url: Option<String>,
    /// How the provider knows the pages of this incident before, the oldest first.
    pub earlier: Vec<String>,
    /// Sent by a person to try the channel out.
    pub test: bool,
    /// The end of a repair's output.
    pub output: Option<String>,
    pub words: Words,
}

impl Message {
    /// The same within the limits: single lines without control characters, output with newlines only.
    pub(crate) fn bounded(&self) -> Message {
        let web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        let link = |l: &Link| Link { label: one_line(&l.label), url: one_line(&l.url) };
        Message {
            incident_key: one_line(&self.incident_key),
            title: one_line(&self.title),
            service: one_line(&self.service),
            server: self.server.as_deref().map(one_line),
            lines: self.lines.iter().take(LINES_MAX).map(|l| one_line(l)).collect(),
            links: self.links.iter().filter(|l| web(&l.url)).take(LINKS_MAX).map(link).collect(),
            acknowledge_token: self.acknowledge_token.clone(),
            earlier: self.earlier.clone(),
            digits_url: self.digits_url.as_deref().filter(|url| web(url)).map(one_line),
            acknowledge_url: self.acknowledge_url.as_deref().filter(|url| web(url)).map(one_line),
            output: self.output.as_deref().map(output).filter(|o| !o.is_empty()),
            words: Words {
                title: self.words.title.as_deref().map(one_line),
                body: self.words.body.as_deref().map(plain_text),
            },
            ..*self
        }
    }

    /// `[TEST] #142 triggered, critical: disk is full`.
    pub fn headline(&self) -> String {
        let test = if self.test { "[TEST] " } else { "" };
        if let Some(title) = &self.words.title {
            return format!("{test}{title}");
        }
        if self.state == MessageState::Notice {
            return format!("{test}{}", self.title);
        }
        let number = self.incident_number.map(|n| format!("#{n} ")).unwrap_or_default();
        format!("{test}{number}{}, {}: {}", self.state.as_str(), self.severity, self.title)
    }

    /// Everything that can be opened, the acknowledgement first.
    pub(crate) fn all_links(&self) -> Vec<Link> {
        let acknowledge =
            self.acknowledge_url.iter().map(|url| Link { label: ACKNOWLEDGE.into(), url: url.clone() });
        acknowledge.chain(self.links.iter().cloned()).collect()
    }

    /// What it says beside the headline: the line that comes first (where it is, but for own words), and the others.
    pub fn said(&self) -> (String, Vec<String>) {
        match &self.words.body {
            None => (self.place(), self.lines.clone()),
            Some(body) => {
                let mut lines = body.trim().lines().take(LINES_MAX).map(one_line);
                (lines.next().unwrap_or_default(), lines.collect())
            }
        }
    }

    /// The details without where it is, which has a place of its own.
    pub(crate) fn own_lines(&self) -> Vec<String> {
        match &self.words.body {
            None => self.lines.clone(),
            Some(body) => body.lines().take(LINES_MAX).map(one_line).collect(),
        }
    }

    /// Where there is little room: where it is, or own words.
    pub(crate) fn brief(&self) -> String {
        self.words.body.as_ref().map_or_else(|| self.place(), |body| body.trim().into())
    }

    /// Says more, behind the first line and before all others.
    pub fn say_second(&mut self, lines: Vec<String>) {
        if let Some(body) = &mut self.words.body {
            let (first, rest) = body.trim().split_once('\n').unwrap_or((body.trim(), ""));
            *body = format!("{first}\n{}\n{rest}", lines.join("\n"));
        }
        self.lines.splice(0..0, lines);
    }

    /// `db on web-1`, or the service alone.
    fn place(&self) -> String {
        match &self.server {
            Some(server) => format!("{} on {server}", self.service),
            None => self.service.clone(),
        }
    }
}

fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    truncate(text.trim(), LINE_BYTES_MAX).to_string()
}

fn plain_text(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => Some(c),
        '\r' => None,
        c if c.is_control() => Some('\u{fffd}'),
        c => Some(c),
    };
    text.chars().filter_map(shown).collect()
}

fn output(text: &str) -> String {
    truncate(plain_text(text).trim_end(), OUTPUT_BYTES_MAX).to_string()
}
