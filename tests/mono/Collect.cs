// Mono stops threads by signals when it collects garbage: also the one that runs callbacks.
using System;
using System.Runtime.InteropServices;
using System.Threading;

static class Collect
{
    const string Library = "libdirectus_realtime.so.0";

    // The rest of the options is zero.
    [StructLayout(LayoutKind.Sequential, Size = 512)]
    struct Options
    {
        public UIntPtr StructSize;
        public IntPtr Url;
        public int AuthMode;
        public IntPtr AccessToken;
    }

    delegate void OnState(IntPtr client, int state, int reason, IntPtr message, IntPtr userData);

    [DllImport(Library)] static extern int drt_client_new(ref Options options, out IntPtr client);
    [DllImport(Library)]
    static extern int drt_client_on_state(IntPtr client, OnState fn, IntPtr userData, IntPtr release);
    [DllImport(Library)] static extern int drt_client_connect(IntPtr client);
    [DllImport(Library)] static extern int drt_client_close(IntPtr client, uint timeoutMs);

    static void Check(int status)
    {
        if (status != 0) throw new Exception("status " + status);
    }

    static int Main()
    {
        var options = new Options {
            StructSize = (UIntPtr)512,
            Url = Marshal.StringToHGlobalAnsi("ws://127.0.0.1:1/"),
            AccessToken = Marshal.StringToHGlobalAnsi("token"),
        };
        var called = new ManualResetEvent(false);
        OnState onState = (client, state, reason, message, userData) => called.Set();
        Check(drt_client_new(ref options, out IntPtr made));
        Check(drt_client_on_state(made, onState, IntPtr.Zero, IntPtr.Zero));
        Check(drt_client_connect(made));
        if (!called.WaitOne(10000)) throw new Exception("nothing was called");
        for (int round = 0; round < 50; round++)
        {
            GC.KeepAlive(new byte[100000]);
            GC.Collect();
        }
        Check(drt_client_close(made, 5000));
        GC.KeepAlive(onState);
        return 0;
    }
}
