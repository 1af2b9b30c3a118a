/*
 * Macros that other libraries' headers define for common words: Qt's, X11's,
 * <sys/sysmacros.h>'s and Windows'. With the values that they have there.
 */
#ifndef TESTS_FOREIGN_MACROS_H
#define TESTS_FOREIGN_MACROS_H

#ifdef __linux__
#include <sys/sysmacros.h>
#endif
/* The system may define these in another way. */
#undef major
#undef minor
#undef makedev
#define major(dev) gnu_dev_major(dev)
#define minor(dev) gnu_dev_minor(dev)
#define makedev(maj, min) gnu_dev_makedev(maj, min)

/* <QtCore/qobjectdefs.h>, <QtCore/qglobal.h>, <QtCore/qforeach.h> */
#define signals                                                                                    \
  public                                                                                           \
    __attribute__((annotate("qt_signal")))
#define slots
#define emit
#define foreach(variable, container) for (variable : container)
#define forever for (;;)

/* <X11/X.h> */
#define None 0L
#define ParentRelative 1L
#define CopyFromParent 0L
#define PointerWindow 0L
#define InputFocus 1L
#define PointerRoot 1L
#define AnyPropertyType 0L
#define AnyKey 0L
#define AnyButton 0L
#define AllTemporary 0L
#define CurrentTime 0L
#define NoSymbol 0L
#define NoEventMask 0L
#define KeyPress 2
#define KeyRelease 3
#define FocusIn 9
#define FocusOut 10
#define Expose 12
#define ClientMessage 33
#define GenericEvent 35
#define LASTEvent 36
#define ControlMask (1 << 2)
#define NotifyNormal 0
#define NotifyAncestor 0
#define Success 0
#define BadRequest 1
#define BadValue 2
#define BadAccess 10
#define BadName 15
#define InputOutput 1
#define InputOnly 2
#define ForgetGravity 0
#define StaticGravity 10
#define NotUseful 0
#define WhenMapped 1
#define Always 2
#define RetainPermanent 1
#define Above 0
#define Below 1
#define TopIf 2
#define Opposite 4
#define GrabModeSync 0
#define PropModeReplace 0
#define Complex 0
#define Nonconvex 1
#define Convex 2
#define Unsorted 0
#define StaticColor 2
#define GrayScale 1
#define CursorShape 0
#define DestroyAll 0
#define DoRed (1 << 0)
#define LSBFirst 0

/* <X11/Xlib.h>, <X11/Xdefs.h> */
#define Bool int
#define Status int
#define True 1
#define False 0
#define QueuedAlready 0
#define QueuedAfterReading 1
#define DefaultScreen(display) ((display)->default_screen)
#define AllPlanes ((unsigned long)~0L)

/* <windows.h> and what it includes */
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define interface struct
#define small char
#define near
#define far
#define pascal __stdcall
#define cdecl
#define hyper __int64
#define IN
#define OUT
#define OPTIONAL
#define CONST const
#define VOID void
#define THIS void
#define TRUE 1
#define FALSE 0
#define ERROR 0
#define NO_ERROR 0L
#define NO_DATA 11004L
#define IGNORE 0
#define INFINITE 0xFFFFFFFF
#define DELETE (0x00010000L)
#define STRICT 1
#define ABSOLUTE 1
#define RELATIVE 2
#define TRANSPARENT 1
#define OPAQUE 2
#define DIFFERENCE 11
#define DOMAIN 1
#define OVERFLOW 3
#define UNDERFLOW 4
#define PASSTHROUGH 19
#define Yield()
#define SendMessage SendMessageW
#define GetMessage GetMessageW
#define PostMessage PostMessageW
#define CreateEvent CreateEventW
#define GetObject GetObjectW
#define GetUserName GetUserNameW
#define GetClassName GetClassNameW
#define DeleteFile DeleteFileW
#define ReportEvent ReportEventW
#define s_addr S_un.S_addr

#endif
