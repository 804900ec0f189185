// The twin of bench/runtime-node.ts in Go, on controller-runtime: an EdgeBuild has three ConfigMaps that repeat its
// Dockerfile, and a status that counts them; all by server-side apply, and nothing that the cache has already.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

var groupVersion = schema.GroupVersion{Group: "edgebuild.io", Version: "v1alpha1"}

type EdgeBuild struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec"`
	Status            Status `json:"status,omitempty"`
}

type Spec struct {
	Source struct {
		Dockerfile string `json:"dockerfile,omitempty"`
	} `json:"source"`
	Platforms []string `json:"platforms,omitempty"`
}

type Status struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

func (in *EdgeBuild) DeepCopyObject() runtime.Object {
	out := *in
	out.ObjectMeta = *in.ObjectMeta.DeepCopy()
	out.Spec.Platforms = append([]string(nil), in.Spec.Platforms...)
	out.Status.Conditions = append([]metav1.Condition(nil), in.Status.Conditions...)
	return &out
}

type EdgeBuildList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []EdgeBuild `json:"items"`
}

func (in *EdgeBuildList) DeepCopyObject() runtime.Object {
	out := *in
	out.Items = make([]EdgeBuild, len(in.Items))
	for i := range in.Items {
		out.Items[i] = *in.Items[i].DeepCopyObject().(*EdgeBuild)
	}
	return &out
}

type reconciler struct{ client.Client }

const manager = client.FieldOwner("edgebuild-twin")

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var build EdgeBuild
	if err := r.Get(ctx, request.NamespacedName, &build); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	// The three side by side, as the other one does it.
	errs := make(chan error, 3)
	for _, part := range []string{"a", "b", "c"} {
		go func() { errs <- r.applyChild(ctx, &build, part) }()
	}
	for range 3 {
		if err := <-errs; err != nil {
			return ctrl.Result{}, err
		}
	}
	if build.Status.ObservedGeneration == build.Generation && len(build.Status.Conditions) == 1 {
		return ctrl.Result{}, nil
	}
	condition := metav1.Condition{
		Type: "Ready", Status: "True", Reason: "Ready", Message: "3 children",
		ObservedGeneration: build.Generation, LastTransitionTime: metav1.NewTime(time.Now()),
	}
	raw, err := json.Marshal(Status{ObservedGeneration: build.Generation, Conditions: []metav1.Condition{condition}})
	if err != nil {
		return ctrl.Result{}, err
	}
	var status map[string]any
	if err := json.Unmarshal(raw, &status); err != nil {
		return ctrl.Result{}, err
	}
	patch := &unstructured.Unstructured{Object: map[string]any{"status": status}}
	patch.SetGroupVersionKind(groupVersion.WithKind("EdgeBuild"))
	patch.SetNamespace(build.Namespace)
	patch.SetName(build.Name)
	return ctrl.Result{}, r.Status().Patch(ctx, patch, client.Apply, manager, client.ForceOwnership)
}

func (r *reconciler) applyChild(ctx context.Context, build *EdgeBuild, part string) error {
	name := build.Name + "-" + part
	var live corev1.ConfigMap
	err := r.Get(ctx, client.ObjectKey{Namespace: build.Namespace, Name: name}, &live)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if err == nil && live.Data["dockerfile"] == build.Spec.Source.Dockerfile && live.Data["part"] == part && live.Labels["app"] == "edgebuild" {
		return nil
	}
	yes := true
	return r.Patch(ctx, &corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: build.Namespace, Name: name, Labels: map[string]string{"app": "edgebuild"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: groupVersion.String(), Kind: "EdgeBuild", Name: build.Name, UID: build.UID,
				Controller: &yes, BlockOwnerDeletion: &yes,
			}},
		},
		Data: map[string]string{"part": part, "dockerfile": build.Spec.Source.Dockerfile},
	}, client.Apply, manager, client.ForceOwnership)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	flags := flag.NewFlagSet("twin", flag.ExitOnError)
	path := flags.String("kubeconfig", "", "kubeconfig file")
	namespace := flags.String("namespace", "", "the namespace to work in")
	strip := flags.Bool("strip-managed-fields", false, "keep objects in the cache without managedFields")
	must(flags.Parse(os.Args[1:]))
	// controller-runtime registers flags of its own.
	flag.CommandLine = flags
	ctrl.SetLogger(klog.Background())
	config, err := clientcmd.BuildConfigFromFlags("", *path)
	must(err)
	config.UserAgent = "twin"
	config.QPS = -1
	scheme := runtime.NewScheme()
	must(clientgoscheme.AddToScheme(scheme))
	scheme.AddKnownTypes(groupVersion, &EdgeBuild{}, &EdgeBuildList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
	cached := cache.Options{DefaultNamespaces: map[string]cache.Config{*namespace: {}}}
	if *strip {
		cached.DefaultTransform = cache.TransformStripManagedFields()
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: server.Options{BindAddress: "0"},
		Cache:   cached,
	})
	must(err)
	must(ctrl.NewControllerManagedBy(mgr).For(&EdgeBuild{}).Owns(&corev1.ConfigMap{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: 10}).
		Complete(&reconciler{mgr.GetClient()}))
	ctx := ctrl.SetupSignalHandler()
	go func() {
		if mgr.GetCache().WaitForCacheSync(ctx) {
			fmt.Println("synced")
		}
	}()
	must(mgr.Start(ctx))
}
