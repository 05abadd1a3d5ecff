//! WDM names for the numbers in reports and timelines.

use wdm_irp::sys::NTSTATUS;

/// Names of `IRP_MJ_…`, by number.
const MAJOR: [&str; 28] = [
    "IRP_MJ_CREATE",
    "IRP_MJ_CREATE_NAMED_PIPE",
    "IRP_MJ_CLOSE",
    "IRP_MJ_READ",
    "IRP_MJ_WRITE",
    "IRP_MJ_QUERY_INFORMATION",
    "IRP_MJ_SET_INFORMATION",
    "IRP_MJ_QUERY_EA",
    "IRP_MJ_SET_EA",
    "IRP_MJ_FLUSH_BUFFERS",
    "IRP_MJ_QUERY_VOLUME_INFORMATION",
    "IRP_MJ_SET_VOLUME_INFORMATION",
    "IRP_MJ_DIRECTORY_CONTROL",
    "IRP_MJ_FILE_SYSTEM_CONTROL",
    "IRP_MJ_DEVICE_CONTROL",
    "IRP_MJ_INTERNAL_DEVICE_CONTROL",
    "IRP_MJ_SHUTDOWN",
    "IRP_MJ_LOCK_CONTROL",
    "IRP_MJ_CLEANUP",
    "IRP_MJ_CREATE_MAILSLOT",
    "IRP_MJ_QUERY_SECURITY",
    "IRP_MJ_SET_SECURITY",
    "IRP_MJ_POWER",
    "IRP_MJ_SYSTEM_CONTROL",
    "IRP_MJ_DEVICE_CHANGE",
    "IRP_MJ_QUERY_QUOTA",
    "IRP_MJ_SET_QUOTA",
    "IRP_MJ_PNP",
];

/// Status values that drivers commonly see.
const STATUS: &[(u32, &str)] = &[
    (0x0000_0000, "STATUS_SUCCESS"),
    (0x0000_00C0, "STATUS_USER_APC"),
    (0x0000_0101, "STATUS_ALERTED"),
    (0x0000_0102, "STATUS_TIMEOUT"),
    (0x0000_0103, "STATUS_PENDING"),
    (0x8000_0005, "STATUS_BUFFER_OVERFLOW"),
    (0x8000_0006, "STATUS_NO_MORE_FILES"),
    (0x8000_0011, "STATUS_DEVICE_BUSY"),
    (0x8000_001A, "STATUS_NO_MORE_ENTRIES"),
    (0xC000_0001, "STATUS_UNSUCCESSFUL"),
    (0xC000_0002, "STATUS_NOT_IMPLEMENTED"),
    (0xC000_0004, "STATUS_INFO_LENGTH_MISMATCH"),
    (0xC000_0005, "STATUS_ACCESS_VIOLATION"),
    (0xC000_0008, "STATUS_INVALID_HANDLE"),
    (0xC000_000D, "STATUS_INVALID_PARAMETER"),
    (0xC000_000E, "STATUS_NO_SUCH_DEVICE"),
    (0xC000_0010, "STATUS_INVALID_DEVICE_REQUEST"),
    (0xC000_0011, "STATUS_END_OF_FILE"),
    (0xC000_0013, "STATUS_NO_MEDIA_IN_DEVICE"),
    (0xC000_0016, "STATUS_MORE_PROCESSING_REQUIRED"),
    (0xC000_0022, "STATUS_ACCESS_DENIED"),
    (0xC000_0023, "STATUS_BUFFER_TOO_SMALL"),
    (0xC000_0034, "STATUS_OBJECT_NAME_NOT_FOUND"),
    (0xC000_0056, "STATUS_DELETE_PENDING"),
    (0xC000_009A, "STATUS_INSUFFICIENT_RESOURCES"),
    (0xC000_009C, "STATUS_DEVICE_DATA_ERROR"),
    (0xC000_009D, "STATUS_DEVICE_NOT_CONNECTED"),
    (0xC000_00A2, "STATUS_MEDIA_WRITE_PROTECTED"),
    (0xC000_00A3, "STATUS_DEVICE_NOT_READY"),
    (0xC000_00B5, "STATUS_IO_TIMEOUT"),
    (0xC000_00BB, "STATUS_NOT_SUPPORTED"),
    (0xC000_00C0, "STATUS_DEVICE_DOES_NOT_EXIST"),
    (0xC000_0120, "STATUS_CANCELLED"),
    (0xC000_0184, "STATUS_INVALID_DEVICE_STATE"),
    (0xC000_0185, "STATUS_IO_DEVICE_ERROR"),
    (0xC000_0186, "STATUS_DEVICE_PROTOCOL_ERROR"),
    (0xC000_020C, "STATUS_CONNECTION_DISCONNECTED"),
    (0xC000_02B6, "STATUS_DEVICE_REMOVED"),
];

/// Returns the WDK's name of an `IRP_MJ_…` code.
#[must_use]
pub fn major_name(major: u8) -> &'static str {
    MAJOR
        .get(usize::from(major))
        .copied()
        .unwrap_or("IRP_MJ_<unknown>")
}

/// Returns the WDK's name of a status value, or its number.
#[must_use]
pub fn status_name(status: NTSTATUS) -> String {
    let bits = u32::from_ne_bytes(status.to_ne_bytes());
    STATUS.iter().find(|(value, _)| *value == bits).map_or_else(
        || format!("status 0x{bits:08X}"),
        |(_, name)| (*name).to_owned(),
    )
}

/// Returns the WDK's name of an IRQL on x64 and ARM64.
#[must_use]
pub fn irql_name(irql: u8) -> &'static str {
    match irql {
        0 => "PASSIVE",
        1 => "APC",
        2 => "DISPATCH",
        15 => "HIGH",
        _ => "DIRQL",
    }
}

/// Returns a pool tag as its four characters.
pub(crate) fn tag_name(tag: u32) -> String {
    let characters = tag.to_le_bytes();
    format!("'{}'", characters.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wdm_irp::sys;

    #[test]
    fn major_names_stand_at_their_codes() {
        assert_eq!(major_name(0x03), "IRP_MJ_READ");
        assert_eq!(major_name(0x09), "IRP_MJ_FLUSH_BUFFERS");
        assert_eq!(major_name(0x0E), "IRP_MJ_DEVICE_CONTROL");
        assert_eq!(major_name(0x10), "IRP_MJ_SHUTDOWN");
        assert_eq!(major_name(0x16), "IRP_MJ_POWER");
        assert_eq!(major_name(0x1B), "IRP_MJ_PNP");
        assert_eq!(major_name(0x1C), "IRP_MJ_<unknown>");
    }

    #[test]
    fn a_tag_is_four_characters() {
        assert_eq!(tag_name(u32::from_le_bytes(*b"Irp ")), "'Irp '");
        assert_eq!(tag_name(0x0041), "'A\\x00\\x00\\x00'");
    }

    #[test]
    fn status_names_match_the_constants() {
        for (status, name) in [
            (sys::STATUS_SUCCESS, "STATUS_SUCCESS"),
            (sys::STATUS_PENDING, "STATUS_PENDING"),
            (sys::STATUS_ACCESS_DENIED, "STATUS_ACCESS_DENIED"),
            (
                sys::STATUS_OBJECT_NAME_NOT_FOUND,
                "STATUS_OBJECT_NAME_NOT_FOUND",
            ),
            (sys::STATUS_TIMEOUT, "STATUS_TIMEOUT"),
            (sys::STATUS_CANCELLED, "STATUS_CANCELLED"),
            (sys::STATUS_DEVICE_BUSY, "STATUS_DEVICE_BUSY"),
            (sys::STATUS_UNSUCCESSFUL, "STATUS_UNSUCCESSFUL"),
            (sys::STATUS_NOT_SUPPORTED, "STATUS_NOT_SUPPORTED"),
            (sys::STATUS_IO_TIMEOUT, "STATUS_IO_TIMEOUT"),
            (sys::STATUS_INVALID_PARAMETER, "STATUS_INVALID_PARAMETER"),
            (
                sys::STATUS_MORE_PROCESSING_REQUIRED,
                "STATUS_MORE_PROCESSING_REQUIRED",
            ),
            (
                sys::STATUS_INSUFFICIENT_RESOURCES,
                "STATUS_INSUFFICIENT_RESOURCES",
            ),
            (
                sys::STATUS_INVALID_DEVICE_REQUEST,
                "STATUS_INVALID_DEVICE_REQUEST",
            ),
        ] {
            assert_eq!(status_name(status), name);
        }
        assert_eq!(status_name(-1), "status 0xFFFFFFFF");
    }
}
