//! A signature as OpenSSH 9.2 made it, one as a security token makes it, and both spoilt in every byte.

use ring::signature::{Ed25519KeyPair, KeyPair};

use super::*;

const NAMESPACE: &str = "watchtower-script@v1";
const MESSAGE: &[u8] = b"{\"name\":\"x\"}";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEb9HAhqgV+JuGqEZhSq0Mz0yRREagAsrmcQImfUIGPd approver@example";
const FINGERPRINT: &str = "SHA256:gTYPI7LqJ0+pVWaSEcs4MUwzUCTrJKb/RxI2kfzGvs8";
const SIGNATURE: &str = "\
-----BEGIN SSH SIGNATURE-----\n\
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgRv0cCGqBX4m4aoRmFKrQzPTJFE\n\
RqACyuZxAiZ9QgY90AAAAUd2F0Y2h0b3dlci1zY3JpcHRAdjEAAAAAAAAABnNoYTUxMgAA\n\
AFMAAAALc3NoLWVkMjU1MTkAAABAyab39orKpWrE6xhi4ExKxRBjBOVjT8F1vZ0Cp92Ukx\n\
m26Xgo54rOHNlrCZ/g4D0bO9w5mK0EAm4z9RAwxG5YCw==\n\
-----END SSH SIGNATURE-----";

fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

fn armour(blob: &[u8]) -> String {
    format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(blob))
}

#[test]
fn what_ssh_keygen_signed_verifies_for_its_purpose_alone() {
    let key = verify_ssh(SIGNATURE, NAMESPACE, MESSAGE).unwrap();
    assert_eq!(key, SshKey::from_line(KEY).unwrap());
    assert_eq!(key.fingerprint(), FINGERPRINT);
    assert_eq!(verify_ssh(SIGNATURE, "file", MESSAGE), Err(SshSigError::OtherNamespace));
    assert_eq!(verify_ssh(SIGNATURE, NAMESPACE, b"other"), Err(SshSigError::Mismatch));
}

#[test]
fn no_spoilt_byte_and_no_cut_verifies() {
    let blob = dearmour(SIGNATURE).unwrap();
    for at in 0..blob.len() {
        let mut spoilt = blob.clone();
        spoilt[at] ^= 1;
        assert!(verify_ssh(&armour(&spoilt), NAMESPACE, MESSAGE).is_err(), "byte {at}");
        assert!(verify_ssh(&armour(&blob[..at]), NAMESPACE, MESSAGE).is_err(), "cut at {at}");
    }
    let longer = [&blob[..], b"x"].concat();
    assert!(verify_ssh(&armour(&longer), NAMESPACE, MESSAGE).is_err());
    for text in ["", BEGIN, &format!("{BEGIN}{END}"), &format!("{BEGIN}!{END}"), &"x".repeat(1 << 20)] {
        assert!(verify_ssh(text, NAMESPACE, MESSAGE).is_err());
    }
}

#[test]
fn a_security_token_must_have_been_touched() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let blob = [string(TOKEN), string(pair.public_key().as_ref()), string(b"ssh:")].concat();
    let hash = digest(&SHA512, MESSAGE);
    let signed =
        [MAGIC.to_vec(), string(NAMESPACE.as_bytes()), string(b""), string(b"sha512"), string(hash.as_ref())]
            .concat();
    let with_flags = |flags: u8| {
        let counter = 7_u32.to_be_bytes();
        let (application, inner) = (digest(&SHA256, b"ssh:"), digest(&SHA256, &signed));
        let told = [application.as_ref(), &[flags], &counter, inner.as_ref()].concat();
        let signature =
            [string(TOKEN), string(pair.sign(&told).as_ref()), vec![flags], counter.to_vec()].concat();
        let outer = [
            MAGIC.to_vec(),
            1_u32.to_be_bytes().to_vec(),
            string(&blob),
            string(NAMESPACE.as_bytes()),
            string(b""),
            string(b"sha512"),
            string(&signature),
        ];
        armour(&outer.concat())
    };
    let key = verify_ssh(&with_flags(1), NAMESPACE, MESSAGE).unwrap();
    let line = format!("sk-ssh-ed25519@openssh.com {} me", STANDARD.encode(&blob));
    assert_eq!(key, SshKey::from_line(&line).unwrap());
    assert_eq!(verify_ssh(&with_flags(0), NAMESPACE, MESSAGE), Err(SshSigError::NotTouched));
}

#[test]
fn other_kinds_of_keys_are_told() {
    let line = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDKpC3aOoPe6lVnLJBI/7sHzB2GTn6r8z1nefHekzPTicV6mXp7oPNrN3zoPwuuVjARLQPWMb9ORFEHTP64silmyUkubA5RnJbLs2tF94JZsMjcnpX1azGGdxKKLhKNSwDlZ9z6xMN0E6fm5G4PSFnLDjwUjhOpRX96g8bshC9S5cICiAgtHdXCsAJ4g/iHoMIkk4H6HIg77Y0/I4nBK6NytmNNSSBOmW+AWx2OMAeZpK48vBZPPaxP6Qh9WQ8V9042bRvegDzpa63B3OQYLAafWYDOL0Ya5QjPNUPEf058aqF+pMVsDulsmSVmaWmeT9VRnwY3WGhYPytPZQecjJ+d";
    assert_eq!(SshKey::from_line(line), Err(SshSigError::OtherKey));
    for line in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa AAAAC3NzaC1lZDI1NTE5"] {
        assert!(SshKey::from_line(line).is_err(), "{line:?}");
    }
}
