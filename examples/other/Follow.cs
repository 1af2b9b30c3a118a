using System;
using System.Json;
using System.Runtime.InteropServices;
using System.Text;

/// <summary>DIRECTUS_TOKEN=... mono Follow.exe http://localhost:8055 posts</summary>
static class Follow
{
    const int DeliverPoll = 1, StateIdle = 0, StateFailed = 5, FlagEnded = 2;
    static readonly string[] Kinds = { "init", "create", "update", "delete", "error" };

    // What is used here of the header. Structs may end early: the rest has its defaults.
    struct ClientOptions
    {
        public UIntPtr Size;
        public string Url;
        public int AuthMode;
        public string AccessToken, Email, Password, RefreshToken;
        public int Delivery, ConnectTimeoutMs;
    }
    struct SubscriptionOptions { public UIntPtr Size; public string Collection; }
    struct ErrorInfo { public UIntPtr Size; public int Status; public IntPtr Argument, Message; }

    const string Drt = "libdirectus_realtime.so.0";
    [DllImport(Drt)] static extern int drt_last_error_info(ref ErrorInfo info);
    [DllImport(Drt)] static extern int drt_client_new(ref ClientOptions options, out IntPtr client);
    [DllImport(Drt)] static extern int drt_subscribe(IntPtr client, IntPtr scope,
        ref SubscriptionOptions options, IntPtr fn, IntPtr userData, IntPtr release, IntPtr result);
    [DllImport(Drt)] static extern int drt_client_next(IntPtr client, int timeoutMs,
        UIntPtr maxRows, out IntPtr json, out UIntPtr length, IntPtr rows);
    [DllImport(Drt)] static extern int drt_client_disconnect(IntPtr client);
    [DllImport(Drt)] static extern int drt_client_close(IntPtr client, uint timeoutMs);

    static UIntPtr SizeOf<T>() { return (UIntPtr)Marshal.SizeOf(typeof(T)); }
    static void Check(int status)
    {
        if (status >= 0) return;
        var info = new ErrorInfo { Size = SizeOf<ErrorInfo>() };
        drt_last_error_info(ref info);
        Console.Error.WriteLine(Marshal.PtrToStringAnsi(info.Message));
        Environment.Exit(1);
    }

    // Prints a row, and returns whether another one may come.
    static bool Show(JsonValue row)
    {
        bool isEvent = row[0] == 0;
        Console.WriteLine(isEvent ? $"{Kinds[row[2]]} {row[7]}" : (string)row[3]);
        if (isEvent ? (row[3] & FlagEnded) != 0 : row[1] == StateFailed) Environment.Exit(1);
        return isEvent || row[1] != StateIdle;
    }

    static void Main(string[] args)
    {
        string token = Environment.GetEnvironmentVariable("DIRECTUS_TOKEN");
        var options = new ClientOptions { Size = SizeOf<ClientOptions>(), Url = args[0],
            AccessToken = token, Delivery = DeliverPoll };
        IntPtr none = IntPtr.Zero;
        Check(drt_client_new(ref options, out IntPtr client));
        var wanted = new SubscriptionOptions { Size = SizeOf<SubscriptionOptions>(),
            Collection = args[1] };
        Check(drt_subscribe(client, none, ref wanted, none, none, none, none));
        Console.CancelKeyPress += (sender, e) => {
            e.Cancel = true;
            drt_client_disconnect(client); // IDLE ends the loop
        };
        for (bool more = true; more;)
        {
            Check(drt_client_next(client, -1, UIntPtr.Zero, out var json, out var size, none));
            var text = new byte[(int)size];
            Marshal.Copy(json, text, 0, text.Length);
            foreach (JsonValue row in (JsonArray)JsonValue.Parse(Encoding.UTF8.GetString(text)))
                more &= Show(row);
        }
        drt_client_close(client, 5000);
    }
}
