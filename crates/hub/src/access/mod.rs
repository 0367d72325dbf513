//! Who may do what. One pure [`authorize`]; everything else here only finds out who is asking.

mod authority;
mod authorize;
mod browsers;
mod login;
mod principal;
mod setup;
mod tokens;
mod users;

pub use authority::{Authority, NoAuthority, current};
pub use authorize::{Denied, Object, authorize};
pub use browsers::{add_browser, find_browser, forget_browsers, remove_browser};
pub use login::{LoginLimits, Opened, is_session, login, logout};
pub use principal::{Principal, by_session, by_token};
pub use setup::{SetupLink, setup, setup_link, setup_needed};
pub use tokens::{create_token, revoke_token};
pub use users::{
    change_password, check_password, check_servers, create_user, delete_user, hash_password, patch_user,
    set_notify_rules, tokens_of,
};
