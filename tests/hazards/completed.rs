//! How a request came out: with success, a warning that carries data, or an error,
//! [H39](../../docs/hazards.md#h39).

use wdm_irp::error::{Failed, NotSent, SendError};
use wdm_irp::request::{Read, Request};
use wdm_irp::sys::{
    NT_SUCCESS, NTSTATUS, STATUS_DEVICE_BUSY, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_PARAMETER, STATUS_IO_TIMEOUT, STATUS_PENDING, STATUS_SUCCESS,
    STATUS_UNSUCCESSFUL,
};
use wdm_irp::{ByteOffset, Irp, IrpError, Timeout};
use wdm_irp_sim::{Behavior, DeviceOptions, Machine, When};
use wdm_irp_tests::{Completed, Count, SOON, Slot, Target, count, every_way, passive, read};

/// A warning: there was more than the buffer holds, and the buffer is full.
const STATUS_BUFFER_OVERFLOW: NTSTATUS = 0x8000_0005_u32.cast_signed();

type Reading = Request<Target, Read, [u8; 8], count>;

/// Every error but those of a lower driver.
const OF_THE_LIBRARY: [IrpError; 9] = [
    IrpError::IrpAllocation,
    IrpError::MdlAllocation,
    IrpError::SlotAllocation,
    IrpError::InvalidParameter,
    IrpError::SlotInUse,
    IrpError::TimedOut,
    IrpError::RoutineRegistration,
    IrpError::DeletePending,
    IrpError::TooManyGuards,
];

#[test]
fn h39_warning_that_carries_data_is_told_from_an_error() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    for when in [When::inline(), When::inline_marked(), When::after(SOON)] {
        for (status, written, warning) in [
            (STATUS_BUFFER_OVERFLOW, 8, true),
            (STATUS_BUFFER_OVERFLOW, 5, true),
            (STATUS_DEVICE_BUSY, 0, true),
            (STATUS_INVALID_PARAMETER, 0, false),
        ] {
            let pipe = machine.device(
                Behavior::respond(move |irp| {
                    (status, irp.write_output(&irp.read_pattern()[..written]))
                })
                .when(when),
            );
            let request = || read(pipe.target(), [0; 8], 0, count, Count::default());
            for outcome in every_way(&SLOT, request) {
                let mut failed = outcome.expect_err("not a success");
                assert_eq!(failed.error(), IrpError::Device(status));
                assert_eq!(failed.error().is_warning(), warning, "{failed}");
                let pattern = [0, 1, 2, 3, 4, 5, 6, 7];
                let completed = failed.completed_mut();
                assert_eq!(completed.transferred(), &pattern[..written]);
                assert_eq!(failed.completed().context().get(), 1);
                let (buffer, context) = failed.into_completed().into_parts();
                assert_eq!(buffer[..written], pattern[..written]);
                assert_eq!(context.get(), 1);
            }
        }
    }
    assert!(OF_THE_LIBRARY.iter().all(|error| !error.is_warning()));
    for informational in [STATUS_SUCCESS, STATUS_PENDING, 0x4000_0000] {
        assert!(!IrpError::Device(informational).is_warning());
    }
}

/// What a driver returns as the status of its failure would else be taken for a success.
#[test]
fn h39_status_of_an_error_is_never_a_success() {
    for error in OF_THE_LIBRARY {
        assert!(!NT_SUCCESS(error.status()), "{error}");
    }
    for success in [STATUS_SUCCESS, STATUS_PENDING, 0x4000_0000, NTSTATUS::MAX] {
        for error in [IrpError::Device(success), IrpError::Open(success)] {
            assert_eq!(error.status(), STATUS_UNSUCCESSFUL);
            assert_eq!(NTSTATUS::from(error), STATUS_UNSUCCESSFUL);
        }
    }
    for failure in [STATUS_BUFFER_OVERFLOW, STATUS_INVALID_PARAMETER, -1] {
        assert_eq!(IrpError::Device(failure).status(), failure);
    }
}

/// Every failure is an [`IrpError`] and a status by `?`.
#[test]
fn h39_question_mark_gives_the_error_and_the_status() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    fn request<E: From<IrpError>>(disk: &Target) -> Result<Reading, E> {
        let irp = Irp::allocate(disk.clone())?;
        Ok(irp
            .read([0; 8], ByteOffset(0))
            .on_completion(count, Count::default()))
    }
    fn waited<E>(disk: &Target) -> Result<usize, E>
    where
        E: From<IrpError> + From<SendError<Reading, Completed<count, [u8; 8]>>>,
    {
        let done = request::<E>(disk)?.send_and_wait(passive(), Timeout::milliseconds(1))?;
        Ok(done.information())
    }
    fn in_slot<E>(disk: &Target) -> Result<usize, E>
    where
        E: From<IrpError> + From<Failed<Completed<count, [u8; 8]>>> + From<NotSent<Reading>>,
    {
        let sent = request::<E>(disk)?.send_in(&SLOT, passive())?;
        Ok(sent
            .wait(passive(), Timeout::milliseconds(1))?
            .information())
    }

    let machine = Machine::new();
    let direct = |behavior| machine.device_with(DeviceOptions::new("direct").direct(), behavior);
    let refuses = direct(Behavior::complete(STATUS_INVALID_PARAMETER, 0));
    let stuck = direct(Behavior::transfer().when(When::cancelled()));
    let never = || ();
    let no_irp = || machine.fail_next_irp_allocation();
    let no_mdl = || machine.fail_next_mdl_allocation();
    let cases: [(_, &dyn Fn(), _, _); 4] = [
        (
            &refuses,
            &never,
            IrpError::Device(STATUS_INVALID_PARAMETER),
            STATUS_INVALID_PARAMETER,
        ),
        (&stuck, &never, IrpError::TimedOut, STATUS_IO_TIMEOUT),
        (
            &refuses,
            &no_irp,
            IrpError::IrpAllocation,
            STATUS_INSUFFICIENT_RESOURCES,
        ),
        (
            &refuses,
            &no_mdl,
            IrpError::MdlAllocation,
            STATUS_INSUFFICIENT_RESOURCES,
        ),
    ];
    for (disk, prepare, error, status) in cases {
        let disk = disk.target();
        prepare();
        assert_eq!(waited::<IrpError>(disk), Err(error));
        prepare();
        assert_eq!(waited::<NTSTATUS>(disk), Err(status));
        prepare();
        assert_eq!(in_slot::<IrpError>(disk), Err(error));
        prepare();
        assert_eq!(in_slot::<NTSTATUS>(disk), Err(status));
    }
}
